#!/bin/bash
# Going back to external snapshots of a real guest, with memory and without it, to and fro among branches; and that
# deleting and going back again lose none of them.
. tests/vm.sh
reverts_external || {
	lacks "revert: to an external snapshot with memory" "this libvirt cannot go back to external snapshots"
	lacks "revert: to an external snapshot without memory" "this libvirt cannot go back to external snapshots"
	lacks "delete: external snapshots in branches" "this libvirt cannot go back to external snapshots"
	lacks "revert: to an external snapshot tells which checkpoints it cost" "this libvirt cannot go back to external snapshots"
	exit 0
}
domain=web
image vdc.raw raw 8M
start_guest web "$(disk vdc virtio raw vdc.raw)"
mkdir "$tmp/saves"
mount_domfs qemu:///system -o saves="$tmp/saves"
cd "$mnt/web"

sources() {
	for d in vda vdc; do basename "$(of_disk web $d source/@file)"; done | xargs
}

files() {
	(cd "$tmp"; ls | grep -E '^(vdc|web-vda)' | xargs)
}

# change BYTE: of what the guest does not write to itself
change() {
	guest_writes web vdc 1M 64k "$1"
}

letter() {
	in_guest web 'cat /disk/letter'
}

# one with memory, two of the disks alone, three with memory again
in_guest web 'echo one > /disk/letter'
change 1
one=$(content web vdc)
mkdir snapshots/one
is "running"                      "$(cat snapshots/one/state)"
in_guest web 'echo two > /disk/letter && sync'
change 2
two=$(content web vdc)
echo no > options/memory
mkdir snapshots/two
is "disk-snapshot"                "$(cat snapshots/two/state)"
echo > options/memory
in_guest web 'echo three > /disk/letter'
change 3
three=$(content web vdc)
mkdir snapshots/three
in_guest web 'echo lost > /disk/letter'
change 4

# with memory it goes on where it was, and does not boot
mv snapshots/one current/
is "running"                      "$(cat state)"
is "$one"                         "$(content web vdc)"
is "one"                          "$(letter)"
fails grep 'guest: ready' "$tmp/web.console"
is "one"                          "$(virsh snapshot-current web --name)"
change 5
mv snapshots/one current/                                               # within the same second, too
is "$one"                         "$(content web vdc)"
mv snapshots/three current/
is "three"                        "$(letter)"
is "$three"                       "$(content web vdc)"
await web 'guest: count'
fails grep 'guest: ready' "$tmp/web.console"
proves "revert: to an external snapshot with memory"

# without it the guest is off, or boots
mv snapshots/two current/
is "shutoff"                      "$(cat state)"
is "$two"                         "$(content web vdc)"
echo running > options/after-revert
mv snapshots/two current/
is "running"                      "$(cat state)"
await web 'guest: count 1'
is "two"                          "$(letter)"
is "$two"                         "$(content web vdc)"
proves "revert: to an external snapshot without memory"

# what a branch rests on stays
mkdir snapshots/branch
is "one
  two
    three
    branch  <- here"              "$(cat tree)"
refused "more than one branch rests on two: rmdir its children first" rmdir snapshots/two
is "rmdir: failed to remove 'snapshots/two': Directory not empty" "$(rmdir snapshots/two 2>&1)"
rmdir snapshots/branch
refused "libvirt would delete $tmp/web-vda.two, though web does not write to it: mkdir a snapshot first" mv snapshots/one current/
mkdir snapshots/branch
mv snapshots/one current/
is "$one"                         "$(content web vdc)"
refused "more than one branch rests on two: rmdir its children first" rmdir snapshots/two
rmdir snapshots/branch
refused "three rests on two, and web stands on another branch: rmdir it first" rmdir snapshots/two
mv snapshots/three current/
is "$three"                       "$(content web vdc)"
is "three"                        "$(letter)"

# a guest that was not let run since is not written to
echo paused > options/after-revert
mv snapshots/three current/
is "paused"                       "$(cat state)"
wakes="web is paused since it went back to a snapshot, and nothing can be merged before it has run: write running to state"
! virsh qemu-monitor-command web '{"execute": "query-named-block-nodes"}' | grep -q '"active":false' ||
	refused "$wakes" rmdir snapshots/three
echo running > state
rmdir snapshots/two snapshots/three snapshots/one
is "$three"                       "$(content web vdc)"
is "three"                        "$(letter)"
is "web-vda.qcow2 vdc.raw"        "$(sources)"
is "vdc.raw web-vda.qcow2"        "$(files)"
is ""                             "$(find "$tmp/saves" -type f)"
is ""                             "$(virsh snapshot-list web --name | xargs)"
proves "delete: external snapshots in branches"

echo running > options/after-revert
# the fresh overlay has no bitmaps: what counted from a checkpoint is told to be lost
mkdir snapshots/four checkpoints/c
is "vda ok vdb ok vdc none"       "$(xargs < checkpoints/c/status)"
mv snapshots/four current/
is "vda missing vdb missing vdc none" "$(xargs < checkpoints/c/status)"
says "the bitmap c of vda is missing, so nobody knows what has changed since: begin anew with full.." mkdir backups/c..d
rmdir checkpoints/c
is "" "$(ls checkpoints)"
rmdir snapshots/four
is "web-vda.qcow2 vdc.raw"        "$(sources)"
proves "revert: to an external snapshot tells which checkpoints it cost"
cd /
