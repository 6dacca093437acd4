#!/bin/bash
# The same of a backup that libvirt writes into a directory: all of it is there, or nothing, and no file of others goes.
. tests/vm.sh
. tests/die-lib.sh
image vda.qcow2 qcow2 8M
image vdb.raw raw 1M
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio raw vdb.raw)"
guest_writes web vda 0 2M 1
guest_writes web vdb 0 64k 1
srv=$tmp/srv
mkdir "$srv"
touch "$srv/other"
usable=$(printf 'vda ok\nvdb none\n')
what_was=$(left)

for_target() {
	echo "$srv" > "$1/web/options/target"
}

# settled: nobody writes any more; says how it ended
settled() {
	for _ in $(seq 100); do grep -qsx push "$backups/full..b/type" || break; sleep 0.1; done
	sed -n 2p "$backups/full..b/type"
}

# All is there and right, or all is gone, but for what was there before
judge_pushed() {
	local ended
	for_target "$after"
	if [ ! -d "$backups/full..b" ]; then
		[ "${1:-}" != done ]
		is "other" "$(ls "$srv")"
		return
	fi
	ended=$(settled)
	if [ -d "$after/web/checkpoints/b" ]; then
		is "other vda.b.qcow2 vdb.b.qcow2" "$(ls "$srv" | xargs)"
		qemu-img compare -q -U "$srv/vda.b.qcow2" "$tmp/vda.qcow2"
		qemu-img compare -q -U -F raw "$srv/vdb.b.qcow2" "$tmp/vdb.raw"
		is "$usable" "$(cat "$after/web/checkpoints/b/status")"
		rmdir "$backups/full..b" "$after/web/checkpoints/b"
		rm "$srv"/vd*
	else
		echo "$ended" | grep -q '^ended'
		is "other" "$(ls "$srv")"
		rmdir "$backups/full..b"
	fi
}

before_pushing() { :; }
do_pushing() { for_target "$mnt"; mkdir "$backups/full..b"; settled > "$tmp/ended"; }
judge_pushing() { judge_pushed "$@"; }

before_cancel() { :; }
do_cancel() { for_target "$mnt"; mkdir "$backups/full..b"; echo cancel > "$mnt/web/job" || :; settled > "$tmp/ended"; }
judge_cancel() { judge_pushed "$@"; }

die_at pushing
die_at cancel
virsh --quiet destroy web > /dev/null
qemu-img check -q "$tmp/vda.qcow2"
proves "death: domfs dies at each step of a push"
