#!/bin/bash
# Checkpoints of a busy guest with two qcow2 disks and a raw one: made, looked at, and deleted; virsh and QEMU see the
# same.
. tests/vm.sh
image raw.img raw 1M
start_guest web "$(disk vdc virtio raw raw.img)"
mount_domfs qemu:///system -o cache=0
cd "$mnt/web"

# bitmaps: what QEMU has, a line each
bitmaps() {
	virsh qemu-monitor-command web '{"execute": "query-named-block-nodes"}' |
		jq -r '.return[] | .["dirty-bitmaps"][]? | .name' | sort | uniq -c | awk '{ print $2 " on " $1 }'
}

changed() { awk -v disk="$2" '$1 == disk { print $2 }' "checkpoints/$1/changed"; }

is ""                           "$(ls checkpoints)"
mkdir checkpoints/one
is "vda ok vdb ok vdc none"     "$(xargs < checkpoints/one/status)"
is "one"                        "$(virsh checkpoint-list web --name | xargs)"
is "one on 2"                   "$(bitmaps)"
is "$(virsh checkpoint-dumpxml web one)" "$(cat checkpoints/one/checkpoint.xml)"
is "$(virsh checkpoint-dumpxml web one --xpath '//creationTime/text()')" "$(stat -c %Y checkpoints/one)"
fails ls -d checkpoints/one/parent

echo "what the guest writes is what has changed"
count=$(count_of web)
await web "guest: count $((count + 3))"
before=$(changed one vda)
in_guest web 'dd if=/dev/urandom of=/dev/vdb bs=64k count=16; sync' > /dev/null
[ "$before" -gt 0 ]
[ "$(changed one vdb)" -ge 1048576 ]
is "-"                          "$(changed one vdc)"
mkdir checkpoints/two
[ "$(changed two vdb)" -lt 1048576 ]                     # it goes on counting into one sector
in_guest web 'dd if=/dev/urandom of=/dev/vdb bs=64k count=16 seek=100; sync' > /dev/null
[ "$(changed two vdb)" -ge 1048576 ]
[ "$(changed one vdb)" -ge 2097152 ]
echo paused > state
is "$(virsh checkpoint-dumpxml web one --size --xpath "//disk[@name='vdb']/@size" | grep -o '[0-9]*')" "$(changed one vdb)"
echo running > state

echo "the middle one goes"
mkdir checkpoints/three
is "../one"                     "$(readlink checkpoints/two/parent)"
is "../two"                     "$(readlink checkpoints/three/parent)"
rmdir checkpoints/two
is "one three"                  "$(ls checkpoints | xargs)"
is "../one"                     "$(readlink checkpoints/three/parent)"
is "one on 2
three on 2"                     "$(bitmaps)"
is "vda ok vdb ok vdc none"     "$(xargs < checkpoints/one/status)"
rmdir checkpoints/one
fails ls -d checkpoints/three/parent

echo "some disks only"
echo vdb > options/disks
mkdir checkpoints/some
is "vda none vdb ok vdc none"   "$(xargs < checkpoints/some/status)"
echo vdc > options/disks
says "none of the disks can have a bitmap: a checkpoint takes a qcow2 disk that is written to, see disks and options/disks" \
	mkdir checkpoints/none
echo none > options/disks
fails mkdir checkpoints/none
echo > options/disks

echo "what is refused"
is "mkdir: cannot create directory 'checkpoints/some': File exists" "$(mkdir checkpoints/some 2>&1)"
is "mkdir: cannot create directory 'checkpoints/full': Invalid argument" "$(mkdir checkpoints/full 2>&1)"
is "mkdir: cannot create directory 'checkpoints/a b': Invalid argument" "$(mkdir 'checkpoints/a b' 2>&1)"
is "rmdir: failed to remove 'checkpoints/none': No such file or directory" "$(rmdir checkpoints/none 2>&1)"
fails mv checkpoints/some checkpoints/other
fails mv checkpoints/some current/

echo "what others made, and have removed, of any name that libvirt takes"
virsh --quiet checkpoint-create-as web --name=-x..y --diskspec vda --diskspec vdb --diskspec vdc,checkpoint=no > /dev/null
virsh --quiet checkpoint-delete web three > /dev/null
sleep 1.1
is "-x..y some"                 "$(ls checkpoints | sort | xargs)"
is "../some"                    "$(readlink checkpoints/-x..y/parent)"
is "vda ok vdb ok vdc none"     "$(xargs < checkpoints/-x..y/status)"

echo "a paused guest, and one that is transient"
echo paused > state
mkdir checkpoints/paused
is "vda ok vdb ok vdc none"     "$(xargs < checkpoints/paused/status)"
rmdir checkpoints/*
is ""                           "$(bitmaps)"
echo running > state
virsh --quiet undefine web > /dev/null
mkdir checkpoints/transient
is "vda ok vdb ok vdc none"     "$(xargs < checkpoints/transient/status)"
rmdir checkpoints/transient
is ""                           "$(bitmaps)$(virsh checkpoint-list web --name)"
proves "checkpoint: of a running domain"
cd /
