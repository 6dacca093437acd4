#!/bin/bash
# A chain of backups grows while everything around it dies: each point in it is exact, or there is an error and nothing is left.
#
# The steps are random, and their seed is printed; SEED repeats them, SECONDS_OF_CHAOS says for how long.
. tests/vm.sh
libvirtd_is_killed
RANDOM=${SEED:=$RANDOM$RANDOM}
echo "seed $SEED"
image one.qcow2 qcow2 24M
image two.raw raw 8M
start web "$(disk vda virtio qcow2 one.qcow2)$(disk vdb virtio raw two.raw)"
disks='vda vdb'
declare -A size=([vda]=24 [vdb]=8)
for d in $disks; do truncate -s ${size[$d]}M "$tmp/model.$d"; done
mkdir "$tmp/chain" "$tmp/mnt2"
web=$mnt/web
n=0 last= snapshot= second=

mount_it() {
	mount_domfs qemu:///system
}

runs() {
	[ "$(virsh domstate web)" = running ]
}

# writes [HOW-MANY]: by the guest, if it runs, and in the model of its disks
writes() {
	local d at len byte
	runs || return 0
	for _ in $(seq "${1:-1}"); do
		d=vda; [ $((RANDOM % 3)) -gt 0 ] || d=vdb
		len=$((RANDOM % 300000 / 512 * 512 + 512)) byte=$((RANDOM % 255 + 1))
		at=$(((RANDOM * 32768 + RANDOM) % (size[$d] * 1048576 - len) / 512 * 512))
		guest_writes web $d $at $len $byte
		python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); f.write(bytes([int(sys.argv[4])]) * int(sys.argv[3]))' \
			"$tmp/model.$d" $at $len $byte
	done
}

# What QEMU had not written yet is lost with it: the model is what is there.
kill_qemu() {
	runs || return 0
	kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
	for _ in $(seq 100); do runs || break; sleep 0.1; done
	for d in $disks; do
		qemu-img convert -f "$(of_disk web $d driver/@type)" -O raw "$(of_disk web $d source/@file)" "$tmp/model.$d"
	done
}

# The end of what serves a backup
kill_server() {
	if runs; then kill_qemu; else kill -KILL "$(pgrep -x qemu-storage-da)"; fi
}

abort() {
	if runs; then virsh --quiet domjobabort web; else echo cancel > "$web/job"; fi
}

turns_on_or_off() {
	echo "$(date +%T) $(virsh domstate web | head -1) no more"
	if runs; then virsh --quiet destroy web; else virsh --quiet start web; fi > /dev/null
}

kill_libvirtd() {
	stop_libvirtd -KILL 2> /dev/null
	start_libvirtd
	sleep 1                                         # until that was noticed, and it is reached again
	for _ in $(seq 100); do ! ls -l "$web" > /dev/null 2>&1 || break; sleep 0.1; done
}

kill_domfs() {
	unmount -KILL
	mount_it
}

second_mount() {
	"$DOMFS" -f qemu:///system "$tmp/mnt2" 2>>"$tmp/log" & second=$!
	for _ in $(seq 100); do mountpoint -q "$tmp/mnt2" && break; sleep 0.1; done
	ls -lR "$tmp/mnt2" > /dev/null 2>&1 || :
}

second_dies() {
	[ -n "$second" ] || return 0
	kill "-$1" $second
	wait $second 2> /dev/null || :
	umount -l "$tmp/mnt2" 2> /dev/null || :
	second=
}

# What may happen between mkdir and rmdir; false: the backup does not live through it
disturb() {
	local what=$((RANDOM % 9))
	echo "       disturbed by $what"
	case $what in
	0)	kill_domfs ;;
	1)	kill_libvirtd ;;
	2)	second_mount; second_dies KILL ;;
	3)	second_mount; cat "$tmp"/mnt2/web/backups/*/vda.raw > /dev/null; second_dies TERM ;;
	4)	kill_server; return 1 ;;
	5)	abort; return 1 ;;
	6)	writes 2; kill_domfs; kill_libvirtd ;;
	*)	writes 3 ;;
	esac
}

# restores POINT: its files are the disks as they were
restores() {
	local d
	for d in $disks; do
		qemu-img check -q "$tmp/chain/$d.$1.qcow2"
		qemu-img compare -q -f raw -F qcow2 "$tmp/point.$d" "$tmp/chain/$d.$1.qcow2"
	done
}

# A backup whose domain died under it: EIO, or a copy that was whole before; it is cleared away, and its checkpoint is gone.
falls() {
	echo "       fell: $1"
	fails cat "$web/backups/$1/vda.raw" > /dev/null
	for _ in $(seq 50); do ! grep -q '^ended: ' "$web/backups/$1/type" || break; sleep 0.1; done
	rmdir "$web/backups/$1"
	fails ls -d "$web/checkpoints/${1#*..}"
}

backs_up() {
	local name=p$n range
	n=$((n + 1))
	range=${last:-full}..$name
	echo "$(date +%T) $range"
	if ! mkdir "$web/backups/$range" 2> "$tmp/said"; then
		grep -q 'No data available' "$tmp/said" || { cat "$tmp/said" "$web/error"; exit 1; }
		grep -qE "^vd. (missing|inconsistent)$" "$web/checkpoints/$last/status" || { cat "$web/error" "$web/checkpoints/$last/status"; exit 1; }
		rmdir "$web/checkpoints/"*
		last=
		return 0
	fi
	for d in $disks; do cp "$tmp/model.$d" "$tmp/point.$d"; done
	if ! disturb; then falls "$range"; return 0; fi
	[ $((RANDOM % 3)) = 0 ] || writes 1
	for d in $disks; do cp "$web/backups/$range/$d.$name.qcow2" "$tmp/chain/.new"; mv -f "$tmp/chain/.new" "$tmp/chain/$d.$name.qcow2"; done
	[ $((RANDOM % 4)) -gt 0 ] || kill_domfs_after_all_was_read
	rmdir "$web/backups/$range"
	restores "$name"
	last=$name
}

# What was settled stays so.
kill_domfs_after_all_was_read() {
	sleep 0.3
	kill_domfs
}

# An overlay comes, or goes; of a guest that is off, libvirt 9.0 makes none beside checkpoints
snapshots() {
	runs || return 0
	if [ -n "$snapshot" ]; then
		rmdir "$web/snapshots/$snapshot"
		snapshot=
	else
		echo no > "$web/options/memory"
		echo external > "$web/options/storage"
		mkdir "$web/snapshots/s$n"
		snapshot=s$n
	fi
}

drops_a_checkpoint() {
	local some
	some=$(ls "$web/checkpoints" | grep -vx "${last:-none}" | shuf -n 1 --random-source=<(yes "$n"))
	[ -z "$some" ] || rmdir "$web/checkpoints/$some"
}

# What libvirt and the images say is what is shown, and nothing is left of what is not.
all_is_well() {
	is "$(virsh checkpoint-list web --name | sort | xargs)" "$(ls "$web/checkpoints" | sort | xargs)"
	is ""           "$(ls "$web/backups")"
	is ""           "$(ls "$tmp" | grep domfs- || :)"
	is ""           "$(find /var/lib/domfs -mindepth 2)"
	is ""           "$(pgrep -x qemu-storage-da || :)"
}

mount_it
writes 5
end=$((SECONDS + ${SECONDS_OF_CHAOS:-45}))
while [ $SECONDS -lt $end ]; do
	case $((RANDOM % 9)) in
	0)	snapshots ;;
	1)	drops_a_checkpoint ;;
	2)	kill_qemu ;;
	3)	turns_on_or_off ;;
	*)	backs_up ;;
	esac
	all_is_well
	writes $((RANDOM % 3))
done
[ "$n" -gt 3 ]
proves "death: libvirtd, QEMU and domfs die while a chain grows"
cd /
