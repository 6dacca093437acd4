# die-lib.sh - what dies, and who judges what it leaves
#
# An operation X is three functions: before_X is done by a mount that goes again, do_X by the one that dies, and
# judge_X by one that looks afterwards; judge_X gets "done" if the operation came through.
seed=${SEED:-$RANDOM}
stride=${STRIDE:-4}
RANDOM=$seed
echo "SEED=$seed STRIDE=$stride"
options='-o cache=0'
next=backups/next
two=$tmp/two
pid2=
mkdir "$two"
step=
trap 'r=$?; [ $r = 0 ] || echo "in $step"; [ -z "$pid" ] || kill -CONT $pid; (exit $r); finish' EXIT
backups=$mnt/web/backups

# mount_dying VARIABLE N: a domfs that dies or stops at its N-th step; false: it died before it was mounted
mount_dying() {
	env "$1=$2" "$DOMFS-die" -f $options qemu:///system "$mnt" 2>> "$tmp/log" & pid=$!
	until mountpoint -q "$mnt"; do
		kill -0 $pid 2> /dev/null || return 1
		sleep 0.02
	done
}

# is_dead [SECONDS]: it may be on its way
is_dead() {
	for _ in $(seq $((${1:-0} * 50 + 5))); do
		kill -0 $pid 2> /dev/null || return 0
		sleep 0.02
	done
	return 1
}

# bury: it died at its step, and of nothing else
bury() {
	local r=0

	{ wait $pid || r=$?; } 2> /dev/null
	pid=
	umount -l "$mnt" 2> /dev/null || :
	is 70 $r
}

mount_two() {
	"$DOMFS" -f $options qemu:///system "$two" 2>> "$tmp/log" & pid2=$!
	until mountpoint -q "$two"; do kill -0 $pid2; sleep 0.02; done
}

unmount_two() {
	[ -n "$pid2" ] || return 0
	kill $pid2
	wait $pid2
	pid2=
}

# bitmaps: in QEMU, or else in the images
bitmaps() {
	local target file
	if [ "$(virsh domstate web)" = running ]; then
		virsh qemu-monitor-command web '{"execute": "query-named-block-nodes"}' |
			jq -r '.return[] | .["node-name"] as $node | .["dirty-bitmaps"][]? | "bitmap \(.name) of \($node)"'
		return
	fi
	virsh domblklist web | sed '1,2d; /^$/d' | while read -r target file; do
		qemu-img info --output=json "$file" |
			jq -r --arg target "$target" '.["format-specific"].data.bitmaps[]? | "bitmap \(.name) of \($target)"'
	done
}

# left: what there is of any backup or checkpoint, and what is wrong with the guest
left() {
	find /var/lib/domfs /run/domfs /var/tmp/domfs -mindepth 1 2> /dev/null || :
	ls "$tmp" | grep domfs- || :
	find /var/lib/libvirt/qemu/domain-*-web ! -type d ! -name monitor.sock ! -name master-key.aes 2> /dev/null || :
	virsh domjobinfo web 2> /dev/null | sed -n 's/Job type: *\([A-Za-z]*\) *$/job \1/p' | grep -v None || :
	virsh checkpoint-list web --name | sed '/^$/d; s/^/checkpoint /'
	bitmaps
	virsh domstate --reason web | sed '/^$/d; s/^running (.*/running/'     # how it came to run differs by version
	pgrep -af 'qemu-storage-daemon|qemu-nbd|qemu-img' || :
}

# nothing_is_left: but what was there before; what had to wait for libvirt may take a moment
nothing_is_left() {
	for _ in $(seq 50); do [ "$(left)" != "$what_was" ] || return 0; sleep 0.1; done
	is "$what_was" "$(left)"
}

# after N: who comes after the death, in one of three ways; the mount to look at is $after
after() {
	after=$mnt
	if [ -n "$pid2" ]; then after=$two; return; fi
	if [ $(($1 % 3)) = 1 ]; then
		for m in $(seq $((RANDOM % stride + 1)) $stride 999); do        # the next one dies as well, and who comes after it
			! mount_dying DOMFS_DIE $m || break
			bury
		done
		unmount
	fi
	mount_domfs $options qemu:///system
}

# dies OPERATION N: at that step; false: it came through
dies() {
	local through=

	mount_domfs $options qemu:///system
	before_$1
	unmount
	if mount_dying DOMFS_DIE $2; then
		[ $(($2 % 3)) != 0 ] || mount_two
		do_$1 2> "$tmp/said" || is_dead 5 || { echo "$1 fails, and has not died: $(cat "$mnt/web/error")"; exit 1; }
		is_dead || through=done
	fi
	if [ -n "$through" ]; then unmount; else bury; fi
	after $2
	backups=$after/web/backups
	! mkdir "$after/web/$next" 2> /dev/null || rmdir "$after/web/$next"     # who changes something clears up first
	judge_$1 $through
	backups=$mnt/web/backups
	unmount
	unmount_two
	nothing_is_left
	[ -z "$through" ]
}

# has_stopped: at its step
has_stopped() {
	[ "$(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat")" = T ]
}

# meets OPERATION EVENT N: that happens while the operation has stopped at that step; false: it came through before.
# $result is "done", or nothing if it failed.
meets() {
	local operation met=

	mount_domfs $options qemu:///system
	before_$1
	unmount
	env "DOMFS_STOP=$3" "$DOMFS-die" -f $options qemu:///system "$mnt" 2>> "$tmp/log" & pid=$!
	(until mountpoint -q "$mnt"; do sleep 0.02; done; do_$1) 2> "$tmp/said" & operation=$!
	while kill -0 $operation 2> /dev/null && [ -z "$met" ]; do
		sleep 0.02
		if has_stopped; then
			happens_$2
			kill -CONT $pid
			met=yes
		fi
	done
	result=
	! wait $operation || result=done
	[ -n "$met" ] || { unmount -KILL; mount_domfs $options qemu:///system; }        # it would stop later
	judge_$2 $1
	nothing_is_left
	unmount
	[ -n "$met" ]
}

# meet_at OPERATION EVENT: at some steps, or all, until it comes through
meet_at() {
	local n=$((RANDOM % stride + 1)) rounds=0 begun=$SECONDS

	while step="$1 that meets $2 at step $n, seed $seed"; meets $1 $2 $n; do
		n=$((n + stride))
		rounds=$((rounds + 1))
		[ $n -lt 200 ] || { echo "$1 never comes through"; exit 1; }
	done
	echo "$1: met $2 $rounds times, came through at $n, in $((SECONDS - begun)) s"
}

# die_at OPERATION: at some steps, or all, until it comes through
die_at() {
	local n=$((RANDOM % stride + 1)) rounds=0 begun=$SECONDS

	while step="$1 at step $n, seed $seed"; dies $1 $n; do
		n=$((n + stride))
		rounds=$((rounds + 1))
		[ $n -lt 200 ] || { echo "$1 never comes through"; exit 1; }
	done
	echo "$1: died $rounds times, came through at $n, in $((SECONDS - begun)) s"
}
