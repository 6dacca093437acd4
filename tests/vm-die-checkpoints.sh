#!/bin/bash
# The same for checkpoints: there is no checkpoint without its bitmaps, and no bitmap without its checkpoint.
. tests/vm.sh
. tests/die-lib.sh
next=checkpoints/next
image vda.qcow2 qcow2 8M
image vdb.qcow2 qcow2 8M
image vdc.raw raw 1M
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio qcow2 vdb.qcow2)$(disk vdc virtio raw vdc.raw)"

# It is there, and right, or never was
before_making() { :; }
do_making() { mkdir "$mnt/web/checkpoints/one"; }
judge_making() {
	local checkpoints=$after/web/checkpoints
	[ "${1:-}" != done ] || [ -d "$checkpoints/one" ]
	[ -d "$checkpoints/one" ] || return 0
	is "$usable" "$(cat "$checkpoints/one/status")"
	is 2 "$(bitmaps | grep -c 'bitmap one')"
	rmdir "$checkpoints/one"
}

# It is there, whatever is left of it, and can be removed; or it is gone
before_removing() { mkdir "$mnt/web/checkpoints/one"; }
do_removing() { rmdir "$mnt/web/checkpoints/one"; }
judge_removing() {
	local checkpoints=$after/web/checkpoints
	[ "${1:-}" != done ] || [ ! -d "$checkpoints/one" ]
	[ ! -d "$checkpoints/one" ] || rmdir "$checkpoints/one"
}

# One bitmap is inconsistent, since QEMU was killed, the other gone
before_removing_broken() {
	mkdir "$mnt/web/checkpoints/one"
	virsh --quiet destroy web > /dev/null
	qemu-img bitmap --remove "$tmp/vdb.qcow2" one
	virsh --quiet start web > /dev/null
	kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
	until [ "$(virsh domstate web)" = "shut off" ]; do sleep 0.1; done
	virsh --quiet start web > /dev/null
}
do_removing_broken() { do_removing; }
judge_removing_broken() { judge_removing "$@"; }

usable=$(printf 'vda ok\nvdb ok\nvdc none\n')
what_was=$(left)
die_at making
die_at removing
virsh --quiet destroy web > /dev/null
virsh --quiet start web > /dev/null
what_was=$(left)
die_at removing_broken
virsh --quiet destroy web > /dev/null
what_was=$(left)
die_at making
die_at removing
for disk in vda vdb; do qemu-img check -q "$tmp/$disk.qcow2"; done
proves "death: domfs dies at each step of a checkpoint"
