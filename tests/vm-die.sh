#!/bin/bash
# domfs dies at each step of what it does: the next mount, or one that was up all along, finds it done or undoes it.
#
# A step is a call of libvirt, of a helper, or a write to a record (tests/die.c). All of them take long, so this is a
# sample whose seed is printed: SEED=n takes the same, STRIDE=1 takes each step.
. tests/vm.sh
. tests/die-lib.sh
image vda.qcow2 qcow2 8M
image vdb.raw raw 1M
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio raw vdb.raw)"
guest_writes web vda 0 2M 1
guest_writes web vdb 0 64k 1
sums=$(content web vda; content web vdb)
what_was=$(left)

# is_right BACKUP: both its disks
is_right() {
	is "$sums" "$(sha256sum < "$backups/$1/vda.raw"; sha256sum < "$backups/$1/vdb.raw")"
}

# A backup is there, and right, or never was
before_mkdir() { :; }
do_mkdir() { mkdir "$backups/one"; }
judge_mkdir() {
	[ "${1:-}" != done ] || [ -d "$backups/one" ]
	if [ -d "$backups/one" ]; then
		is pull "$(sed -n 2p "$backups/one/type")"
		is_right one
		rmdir "$backups/one"
	fi
}

# It is there still, running or ended, and can be removed; or it is gone
before_rmdir() { mkdir "$backups/one"; }
do_rmdir() { rmdir "$backups/one"; }
judge_rmdir() {
	[ "${1:-}" != done ] || [ ! -d "$backups/one" ]
	[ "$(sed -n 2p "$backups/one/type" 2> /dev/null)" != pull ] || is_right one
	[ ! -d "$backups/one" ] || rmdir "$backups/one"
}

# It is there in any case
before_cancel() { mkdir "$backups/one"; }
do_cancel() { echo cancel > "$mnt/web/job"; }
judge_cancel() {
	[ "${1:-}" != done ] || is "ended: cancelled" "$(sed -n 2p "$backups/one/type")"
	[ "$(sed -n 2p "$backups/one/type")" != pull ] || is_right one
	rmdir "$backups/one"
}

before_reading() { mkdir "$backups/one"; }
do_reading() { cat "$backups"/one/*.raw > "$tmp/copy"; }
judge_reading() {
	is_right one
	rmdir "$backups/one"
}

die_at mkdir
die_at rmdir
die_at cancel
die_at reading
proves "death: domfs dies at each step of a backup"
