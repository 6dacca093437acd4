#!/bin/bash
# The same for backups that leave a checkpoint, or count from one: what they leave is there, whole, if all was read or
# the user keeps it, and else gone; and the chain of the copies is the disk.
. tests/vm.sh
: "${STRIDE:=8}"
. tests/die-ranges.sh
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio qcow2 vdb.qcow2)$(disk vdc virtio raw vdc.raw)"
guest_writes web vda 0 2M 1
guest_writes web vdb 0 64k 1
guest_writes web vdc 0 64k 1
sums=$(sums_of_disks)
what_was=$(left)
die_at full
begin_chain
for i in 1 2 3; do guest_writes web vda ${i}M 100k $((i + 1)); done
guest_writes web vdb 1M 64k 2
sums=$(sums_of_disks)
what_was=$(left)
die_each
virsh --quiet destroy web > /dev/null
for disk in vda vdb; do qemu-img check -q "$tmp/$disk.qcow2"; done
proves "death: domfs dies at each step of a range"
