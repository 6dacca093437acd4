#!/bin/bash
# A snapshot that fails after libvirt did its work, and one that is cancelled, leave nothing behind: no tag, no
# overlay, no memory file, and a guest that runs on its old images.
. tests/vm.sh
domain=web
image vda.qcow2 qcow2 16M
image vdb.qcow2 qcow2 8M
define web "$(disk vda virtio qcow2 vda.qcow2) $(disk vdb virtio qcow2 vdb.qcow2)" "" 128
head -c 64M /dev/urandom > "$tmp/memory"                # more than fits between QEMU and who writes it to its file
namespace=http://libvirt.org/schemas/domain/qemu/1.0
loader="<qemu:arg value='-device'/><qemu:arg value='loader,file=$tmp/memory,addr=0x1000000,force-raw=on'/>"
sed -i "s|<domain |&xmlns:qemu='$namespace' |; s|</domain>|<qemu:commandline>$loader</qemu:commandline>&|" "$tmp/web.xml"
virsh --quiet undefine web > /dev/null
virsh --quiet define "$tmp/web.xml" > /dev/null
virsh --quiet start web > /dev/null
mkdir "$tmp/saves"
mount_domfs qemu:///system -o saves="$tmp/saves"
cd "$mnt/web"

nothing_left() {
	is ""                     "$(ls snapshots)"
	is ""                     "$(virsh snapshot-list web --name | xargs)"
	is ""                     "$(qemu-img snapshot -U -l "$tmp/vda.qcow2")$(qemu-img snapshot -U -l "$tmp/vdb.qcow2")"
	is "vda.qcow2 vdb.qcow2"  "$(cd "$tmp" && echo vd*)"
	is "vda.qcow2 vdb.qcow2"  "$(basename -a "$(of_disk web vda source/@file)" "$(of_disk web vdb source/@file)" | xargs)"
	is ""                     "$(find "$tmp/saves" -type f)"
	is "$1"                   "$(virsh domstate web)"
	is "none"                 "$(cat job)"
}

# libvirt cannot keep what it knows of a snapshot, and finds out last
metadata=/var/lib/libvirt/qemu/snapshot/web
mkdir -p "$metadata"
mount --bind "$metadata" "$metadata"
mount -o remount,bind,ro "$metadata"
fails touch "$metadata/x"
fails mkdir snapshots/one
nothing_left running
echo external > options/storage
fails mkdir snapshots/one
nothing_left running
echo no > options/memory
guest_writes web vda 1M 64k 7
sum=$(content web vda)
fails mkdir snapshots/one
nothing_left running
is "$sum"                         "$(content web vda)"
echo > options/storage
echo > options/memory
echo destroyed > state
fails mkdir snapshots/one
nothing_left "shut off"
umount "$metadata"

# the caller is killed while memory is written
echo running > state
echo external > options/storage
helper() { pgrep -f "libvirt_iohelper $tmp/saves"; }
mkdir snapshots/one & making=$!
until h=$(helper); do kill -0 "$making"; done
kill -STOP $h
kill -TERM "$making"
sleep 1
kill -CONT $h
fails wait "$making"
sleep 1
nothing_left running

# somebody cancels it while memory is written
mkdir snapshots/one 2> "$tmp/said" & making=$!
until h=$(helper); do kill -0 "$making"; done
kill -STOP $h
is "operation snapshot name one"  "$(head -2 job | xargs)"
(sleep 0.5; kill -CONT $h) &
echo cancel > job
fails wait "$making"
is "mkdir: cannot create directory 'snapshots/one': Interrupted system call" "$(cat "$tmp/said")"
is "cancelled"                    "$(sed 's/.*: //' error)"
nothing_left running

mkdir snapshots/one
is "one"                          "$(ls snapshots)"
rmdir snapshots/one
nothing_left running
proves "snapshot: undone if it fails or is cancelled"
cd /
