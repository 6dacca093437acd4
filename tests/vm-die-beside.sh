#!/bin/bash
# At each step of what domfs does, libvirtd is killed and comes back, QEMU is killed, or another mount comes and goes.
. tests/vm.sh
libvirtd_is_killed
: "${STRIDE:=6}"
. tests/die-lib.sh
image vda.qcow2 qcow2 8M
image vdb.raw raw 1M
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio raw vdb.raw)"
guest_writes web vda 0 2M 1
guest_writes web vdb 0 64k 1
sums=$(content web vda; content web vdb)
virsh --quiet destroy web > /dev/null
virsh --quiet start web > /dev/null
what_was=$(left)
checkpoints=$mnt/web/checkpoints

is_right() {
	is pull "$(sed -n 2p "$backups/full..b/type")"
	is "$sums" "$(sha256sum < "$backups/full..b/vda.raw"; sha256sum < "$backups/full..b/vdb.raw")"
}

# What was not seen to end yet is EIO, until it is: never wrong.
is_right_or_ends() {
	local got
	got=$(sha256sum < "$backups/full..b/vda.raw"; sha256sum < "$backups/full..b/vdb.raw") 2> /dev/null || :
	[ "$got" != "$sums" ] || return 0
	is ""                   "$got"
	for _ in $(seq 50); do ! grep -q '^ended: ' "$backups/full..b/type" || return 0; sleep 0.1; done
	is_right
}

# as_it_should: a backup that is there is right, and can be removed; what it leaves goes with it, or is right
as_it_should() {
	if [ -d "$backups/full..b" ]; then
		[ "$(sed -n 2p "$backups/full..b/type")" != pull ] || is_right_or_ends
		rmdir "$backups/full..b"
	fi
	[ -d "$checkpoints/b" ] || return 0
	is "$1" "$(cat "$checkpoints/b/status")"
	rmdir "$checkpoints/b"
}

before_mkdir() { :; }
do_mkdir() { mkdir "$backups/full..b"; }

before_rmdir() { mkdir "$backups/full..b"; cat "$backups"/full..b/*.qcow2 > /dev/null; }
do_rmdir() { rmdir "$backups/full..b"; }

before_cancel() { mkdir "$backups/full..b"; }
do_cancel() { echo cancel > "$mnt/web/job"; }

# It comes, looks, and goes: nobody notices
happens_visitor() {
	mount_two
	ls -lR "$two" > /dev/null
	cat "$two"/web/backups/*/*.raw > /dev/null 2>&1 || :
	unmount_two
}
judge_visitor() {
	is done "$result"
	case $1 in
	mkdir)	is_right ;;
	rmdir)	[ ! -d "$backups/full..b" ]; [ -d "$checkpoints/b" ] ;;
	cancel)	is "ended: cancelled" "$(sed -n 2p "$backups/full..b/type")"; [ ! -d "$checkpoints/b" ] ;;
	esac
	as_it_should "$(printf 'vda ok\nvdb none\n')"
}

# What was asked for fails, or not: but it is one of both
happens_libvirtd() {
	stop_libvirtd -KILL 2> /dev/null
	start_libvirtd
}
judge_libvirtd() {
	until [ "$(cat "$mnt/web/state" 2> /dev/null)" = running ]; do sleep 0.1; done
	[ "$1 $result" != "mkdir done" ] || is_right
	as_it_should "$(printf 'vda ok\nvdb none\n')"
}

# The backup ends with it
happens_qemu() {
	kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
	until [ "$(virsh domstate web)" = "shut off" ]; do sleep 0.05; done
}
judge_qemu() {
	local bitmap=ok
	if [ "$(virsh domstate web)" != running ]; then
		bitmap=missing
		for _ in $(seq 100); do grep -qsx pull "$backups/full..b/type" || break; sleep 0.1; done
		! grep -sx pull "$backups/full..b/type"
		virsh --quiet start web > /dev/null
	fi
	as_it_should "$(printf 'vda %s\nvdb none\n' $bitmap)"
}

for event in ${EVENTS:-visitor libvirtd qemu}; do
	for operation in mkdir rmdir cancel; do meet_at $operation $event; done
done
virsh --quiet destroy web > /dev/null
qemu-img check -q "$tmp/vda.qcow2"
proves "death: libvirtd, QEMU and other mounts come and go at each step of a backup"
