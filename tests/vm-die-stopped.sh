#!/bin/bash
# The same of a domain that is off, whose images are served by a daemon that outlives domfs.
. tests/vm.sh
: "${STRIDE:=16}"                                # it has many more steps
. tests/die-ranges.sh
define web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio qcow2 vdb.qcow2)$(disk vdc virtio raw vdc.raw)"

# write_off FILE OFFSET LENGTH BYTE
write_off() {
	qemu-io -f "${1#*.}" -c "write -P $4 $2 $3" "$tmp/$1" > /dev/null
}

write_off vda.qcow2 0 2M 1
write_off vdb.qcow2 0 64k 1
write_off vdc.raw 0 64k 1
sums=$(sums_of_disks)
what_was=$(left)
die_at full
begin_chain
for i in 1 2 3; do write_off vda.qcow2 ${i}M 100k $((i + 1)); done
write_off vdb.qcow2 1M 64k 2
sums=$(sums_of_disks)
what_was=$(left)
die_each
virsh --quiet start web                         # nobody holds its images
virsh --quiet destroy web
for disk in vda vdb; do qemu-img check -q "$tmp/$disk.qcow2"; done
proves "death: domfs dies at each step of a backup of a stopped domain"
