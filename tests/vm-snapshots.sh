#!/bin/bash
# Internal snapshots of a running, a paused and a stopped domain, of disks of all kinds: made, gone back to again and
# again, deleted with their children kept; virsh and qemu-img see the same.
. tests/vm.sh
image vda.qcow2 qcow2 16M
image sda.qcow2 qcow2 8M
image base.qcow2 qcow2 8M
image sdb.qcow2 qcow2 8M -b "$tmp/base.qcow2" -F qcow2
truncate -s 1M "$tmp/tools.iso"
start web "$(disk vda virtio qcow2 vda.qcow2) $(disk sda scsi qcow2 sda.qcow2) $(disk sdb sata qcow2 sdb.qcow2)
	<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>
	<disk type='file' device='cdrom'><source file='$tmp/tools.iso'/><target dev='sdd' bus='sata'/><readonly/></disk>"
mount_domfs qemu:///system
cd "$mnt/web"

contents() {
	for disk in vda sda sdb; do content web $disk; done | sha256sum
}

change() {
	guest_writes web vda 1M 64k "$1"
	guest_writes web sda 2M 64k "$1"
	guest_writes web sdb 3M 64k "$1"
}

tags() {
	for disk in vda sda sdb; do qemu-img snapshot -U -l "$tmp/$disk.qcow2" | awk 'NR > 2 { print $2 }' | sort | xargs; done | uniq
}

change 1
one=$(contents)
mkdir snapshots/one
change 2
two=$(contents)
mkdir snapshots/two
change 3
is "one two"                      "$(ls snapshots | xargs)"
is "one two"                      "$(virsh snapshot-list web --name | sort | xargs)"
is "one two"                      "$(tags)"
is "two"                          "$(ls current)"
is "running"                      "$(cat snapshots/one/state)"
is "../../snapshots/one"          "$(readlink snapshots/two/parent)"
is "$(virsh snapshot-dumpxml web one)" "$(cat snapshots/one/snapshot.xml)"

for _ in 1 2; do
	mv snapshots/one current/
	is "$one"                 "$(contents)"
	is "running"              "$(cat state)"
	is "one"                  "$(virsh snapshot-current web --name)"
	change 4
done
mv snapshots/two current/
is "$two"                         "$(contents)"
proves "snapshot: internal, of a running domain"
proves "revert: to an internal snapshot with memory"

echo paused > state
mkdir snapshots/three
is "paused"                       "$(cat snapshots/three/state)"
echo running > state
mv snapshots/three current/
is "paused"                       "$(cat state)"
echo running > options/after-revert
mv snapshots/three current/
is "running"                      "$(cat state)"
echo paused > options/after-revert
mv snapshots/one current/
is "paused"                       "$(cat state)"
echo > options/after-revert
proves "snapshot: internal, of a paused domain"

echo destroyed > state
mkdir snapshots/off
is "shutoff"                      "$(cat snapshots/off/state)"
is "no"                           "$(virsh snapshot-dumpxml web off --xpath '//memory/@snapshot' | sed 's/.*="\(.*\)"/\1/')"
echo running > state
mv snapshots/off current/
is "shutoff"                      "$(cat state)"
is "$one"                         "$(contents)"
proves "snapshot: internal, of a stopped domain"
proves "revert: to an internal snapshot without memory"

echo 'a <b> & "c" é' > snapshots/two/description
is 'a <b> & "c" é'                "$(cat snapshots/two/description)"
virsh snapshot-dumpxml web two | grep -qF '<description>a &lt;b&gt; &amp; &quot;c&quot; é</description>'
is "off"                          "$(virsh snapshot-current web --name)"
echo > snapshots/two/description
is ""                             "$(cat snapshots/two/description)"
proves "snapshot: its description is written"

is "one
  two
    three
  off  <- here"                   "$(cat tree)"
rmdir snapshots/one
is "off three two"                "$(ls snapshots | xargs)"
is "two
  three
off  <- here"                     "$(cat tree)"
is "off three two"                "$(tags)"
mv snapshots/two current/
is "$two"                         "$(contents)"
rmdir snapshots/two snapshots/three
echo destroyed > state
rmdir snapshots/off
is ""                             "$(tags)"
is ""                             "$(virsh snapshot-list web --name | xargs)"
is ""                             "$(cat error)"
proves "delete: an internal snapshot, its children stay"
cd /
