#!/bin/bash
# The main job on a guest that lives: what it wrote since a snapshot is gone after mv to current/, and a backup that it
# went on writing during is of one moment, and boots.
. tests/vm.sh
start_guest web
mount_domfs qemu:///system
cd "$mnt/web"

mkdir snapshots/one
in_guest web 'echo lost > /disk/letter; echo new > /disk/new; sync'
for disk in vda vdb; do content web $disk; done > "$tmp/live"           # another moment than the backup's
virsh --quiet suspend web > /dev/null
for disk in vda vdb; do content web $disk; done > "$tmp/sums"
mkdir backups/monday
virsh --quiet resume web > /dev/null
at=$(count_of web)
await web "count $((at + 5))"
in_guest web 'rm /disk/letter; sync'
for disk in vda vdb; do cp backups/monday/$disk.raw "$tmp/copy-$disk.raw"; done
rmdir backups/monday
is "$(cat "$tmp/sums")" "$(for disk in vda vdb; do sha256sum < "$tmp/copy-$disk.raw"; done)"
fails cmp -s "$tmp/sums" "$tmp/live"
is "count $at" "$(dd status=none if="$tmp/copy-vdb.raw" bs=512 skip=2048 count=1 | xargs)"

for _ in 1 2; do                                                        # again and again
	mv snapshots/one current/
	is "running"              "$(cat state)"
	is "Dear domfs,"          "$(in_guest web 'cat /disk/letter')"
	is ""                     "$(in_guest web 'ls /disk' | grep new || :)"
	in_guest web 'echo new > /disk/new; rm /disk/letter; sync'
done
rmdir snapshots/one
is "" "$(qemu-img snapshot -U -l "$tmp/web-vda.qcow2")"
is "" "$(cat error)"

chmod 600 "$tmp"/copy-*                                                 # images are only to be read, and so are their copies
devices="$(disk vda virtio raw copy-vda.raw)$(disk vdb virtio raw copy-vdb.raw)
	<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
define restored "$devices" "$(guest_os)" 192
virsh --quiet start restored > /dev/null
await restored "guest: count $((at + 1))"                               # it goes on where its original was
is "lost"                         "$(in_guest restored 'cat /disk/letter')"
proves "revert: of a guest at work, to an internal snapshot"
proves "backup: pull, of a guest at work, boots"
cd /
