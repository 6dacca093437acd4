#!/bin/bash
# External snapshots: which kind is chosen and why, the files beside the images and those of memory, what is never
# written over, and that deleting any of them merges the others rightly.
. tests/vm.sh
domain=web
image vda.qcow2 qcow2 16M
image vdb.raw raw 8M
image sda.qcow2 qcow2 8M
start web "$(disk vda virtio qcow2 vda.qcow2) $(disk vdb virtio raw vdb.raw) $(disk sda scsi qcow2 sda.qcow2)"
mkdir "$tmp/saves"
mount_domfs qemu:///system -o saves="$tmp/saves"
cd "$mnt/web"
uuid=$(virsh domuuid web)

contents() {
	for disk in vda vdb sda; do content web $disk; done | sha256sum
}

source_of() {
	basename "$(of_disk web "$1" source/@file)"
}

if reverts_external; then
	mkdir snapshots/one
	is "vda.one vdb.one sda.one" "$(for d in vda vdb sda; do source_of $d; done | xargs)"
	rmdir snapshots/one
else
	refused "vdb is raw and cannot hold an internal snapshot; write external to options/storage, which this libvirt cannot revert" \
		mkdir snapshots/one
fi
echo internal > options/storage
refused "vdb is raw and cannot hold an internal snapshot" mkdir snapshots/one
echo > options/storage
echo no > options/memory
reverts_external ||
	refused "web runs, and an internal snapshot has its memory then; write auto to options/memory, or external to options/storage, which this libvirt cannot revert" \
		mkdir snapshots/one

echo external > options/storage
guest_writes web vda 1M 64k 1
: > "$tmp/sda.one"
refused "$tmp/sda.one would be the overlay of sda, and is there already: take another name" mkdir snapshots/one
rm "$tmp/sda.one"
is "vda.qcow2"                    "$(source_of vda)"
mkdir snapshots/one
is "disk-snapshot"                "$(cat snapshots/one/state)"
is "vda.one vdb.one sda.one"      "$(for d in vda vdb sda; do source_of $d; done | xargs)"
long=$(printf '%0247d' 0)
mkdir "snapshots/$long"                                                 # its overlay's name has 251 bytes
rmdir "snapshots/$long"
mkdir snapshots/v1.0 snapshots/v1.1                                     # dots add nothing to the next one's
is "vda.v1.1 vdb.v1.1 sda.v1.1"   "$(for d in vda vdb sda; do source_of $d; done | xargs)"
rmdir snapshots/v1.0 snapshots/v1.1
proves "snapshot: external, of the disks of a running domain"

echo > options/storage                                                  # auto is the kind that there is
echo vda,sda > options/disks
guest_writes web vda 2M 64k 2
mkdir snapshots/two
is "vda.two vdb.one sda.two"      "$(for d in vda vdb sda; do source_of $d; done | xargs)"

echo yes > options/memory
echo all > options/disks
mkdir -p "$tmp/saves/$uuid"
echo precious > "$tmp/saves/$uuid/three.memory"
refused "$tmp/saves/$uuid/three.memory cannot be made: File exists" mkdir snapshots/three
is "precious"                     "$(cat "$tmp/saves/$uuid/three.memory")"
rm "$tmp/saves/$uuid/three.memory"
guest_writes web vdb 1M 64k 3
mkdir snapshots/three
is "running"                      "$(cat snapshots/three/state)"
is "running"                      "$(cat state)"
is "LibvirtQemudSave"             "$(head -c 16 "$tmp/saves/$uuid/three.memory")"
echo none > options/disks
mkdir snapshots/four
is "vda.three vdb.three sda.three" "$(for d in vda vdb sda; do source_of $d; done | xargs)"
echo no > options/memory
refused "neither a disk nor memory is to be kept: see options/disks and options/memory" mkdir snapshots/five
echo internal > options/storage
echo all > options/disks
refused "the snapshots of web are external and kinds are never mixed: write auto to options/storage" mkdir snapshots/five
echo > options/storage

proves "snapshot: external, with memory"
proves "snapshot: external, of some disks or of the memory alone"
reverts_external || refused "two is external, and this libvirt cannot go back to those" mv snapshots/two current/
virsh snapshot-dumpxml web two | sed 's,<name>two<,<name>branch<,' > "$tmp/branch.xml"
virsh --quiet snapshot-create web "$tmp/branch.xml" --redefine > /dev/null
sleep 1.1
refused "more than one branch rests on one: rmdir its children first" rmdir snapshots/one
is "rmdir: failed to remove 'snapshots/one': Directory not empty" "$(rmdir snapshots/one 2>&1)"
virsh --quiet snapshot-delete web branch --metadata > /dev/null
guest_writes web sda 4M 64k 4
sum=$(contents)
rmdir snapshots/two                                                     # in the middle
is "one
  three
    four  <- here"                "$(cat tree)"
is "$sum"                         "$(contents)"
rmdir snapshots/three snapshots/four
is "$sum"                         "$(contents)"
is ""                             "$(ls "$tmp/saves/$uuid")"
proves "delete: an external snapshot, anywhere in its chain"
echo destroyed > state
mkdir snapshots/off                                                     # of a stopped one, too
rmdir snapshots/one
is "$sum"                         "$(contents)"
rmdir snapshots/off
proves "snapshot: external, of a stopped domain"
is "$sum"                         "$(contents)"
is "vda.qcow2 vdb.raw sda.qcow2"  "$(for d in vda vdb sda; do source_of $d; done | xargs)"
is "sda.qcow2 vda.qcow2 vdb.raw"  "$(ls "$tmp" | grep -E '^(vd|sd)' | xargs)"
is ""                             "$(virsh snapshot-list web --name | xargs)"
cd /
