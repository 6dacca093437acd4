#!/bin/bash
# However a range ends, the checkpoint it leaves is there only if all was read, or the user keeps it: and the one it counts
# from serves the next.
. tests/vm.sh
libvirtd_is_killed
image a.qcow2 qcow2 64M
image b.qcow2 qcow2 8M
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio qcow2 b.qcow2)"
mkdir -m 711 "$tmp/scratch" "$tmp/two"
mount -t tmpfs -o size=24M,mode=711 scratch "$tmp/scratch"
mount_domfs qemu:///system -o "scratch=$tmp/scratch"
backups=$mnt/web/backups
two=$tmp/two/web/backups

# bitmaps: their names, in the running QEMU or else in the images
bitmaps() {
	if [ "$(virsh domstate web)" = running ]; then
		virsh -q qemu-monitor-command web '{"execute": "query-named-block-nodes"}'
	else
		qemu-img info --output=json "$tmp/a.qcow2"
		qemu-img info --output=json "$tmp/b.qcow2"
	fi | python3 -c 'import json, sys
text, at, names = sys.stdin.read(), 0, set()
while at < len(text.rstrip()):
    told, end = json.JSONDecoder().raw_decode(text[at:].lstrip())
    at = len(text) - len(text[at:].lstrip()) + end
    for node in told.get("return", [{}]):
        names |= {b["name"] for b in node.get("dirty-bitmaps", []) if b["persistent"]}
    names |= {b["name"] for b in told.get("format-specific", {}).get("data", {}).get("bitmaps", [])}
print(*sorted(names))'
}

# there CHECKPOINT...: these, and no others; libvirt and the images agree
there() {
	is "$*"                 "$(virsh checkpoint-list web --name | sort | xargs)"
	is "$*"                 "$(bitmaps)"
	is "$*"                 "$(ls "$mnt/web/checkpoints" | xargs)"
}

# nothing_is_left: of a backup that has been removed
nothing_is_left() {
	is ""                   "$(ls "$backups")"
	is ""                   "$(find /var/lib/domfs -name '*backup-*')"
	is ""                   "$(ls "$tmp/scratch")"
}

# ended BACKUP WHY: it stays, and says so; then its checkpoint is settled
ended() {
	for _ in $(seq 100); do ! grep -qs ended "$backups/$1/type" || break; sleep 0.1; done
	is "ended: $2"          "$(sed -n 2p "$backups/$1/type")"
	for _ in $(seq 100); do [ -z "$(find /var/lib/domfs -path "*backup-$1/fate")" ] || return 0; sleep 0.1; done
	echo "the checkpoint of $1 is not settled"
	exit 1
}

# copy BACKUP: whole, and see that it is noted
copy() {
	cp "$backups/$1"/*.qcow2 "$tmp/copies"
	for _ in $(seq 50); do [ -z "$(find /var/lib/domfs -path "*backup-$1/complete")" ] || return 0; sleep 0.1; done
	echo "$1 is not complete"
	exit 1
}

mkdir "$tmp/copies"
guest_writes web vda 0 20M 1
guest_writes web vdb 0 1M 1
mkdir "$backups/full..a"
there a
copy full..a
rmdir "$backups/full..a"
there a
nothing_is_left

# The user ends it: what it leaves goes, unless it is complete or kept.
mkdir "$backups/a..b"
there a b
guest_writes web vda 1M 1M 2
head -c 100000 "$backups/a..b/vda.b.qcow2" > /dev/null
says "vda.b.qcow2 was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir "$backups/a..b"
echo cancel > "$mnt/web/job"
ended a..b cancelled
there a
rmdir "$backups/a..b"
there a
nothing_is_left

mkdir "$backups/a..b"                           # the name is free again
copy a..b
echo cancel > "$mnt/web/job"
ended a..b cancelled
rmdir "$backups/a..b"
there a b
mkdir "$backups/b..c"
echo 1 > "$backups/b..c/keep"
echo cancel > "$mnt/web/job"
ended b..c cancelled
is 1 "$(cat "$backups/b..c/keep")"
rmdir "$backups/b..c"
there a b c
rmdir "$mnt/web/checkpoints/b" "$mnt/web/checkpoints/c"
there a
nothing_is_left

# Another client ends it
mkdir "$backups/a..b"
virsh -q domjobabort web
ended a..b "another client ended it"
there a
rmdir "$backups/a..b"
nothing_is_left

# libvirtd dies, and nothing has ended
mkdir "$backups/a..b"
stop_libvirtd -KILL
start_libvirtd
for _ in $(seq 100); do [ ! -r "$backups/a..b/type" ] || break; sleep 0.1; done
is pull "$(sed -n 2p "$backups/a..b/type")"
there a b
fails rmdir "$backups/a..b"
copy a..b
rmdir "$backups/a..b"
there a b
rmdir "$mnt/web/checkpoints/b"
nothing_is_left

# Its scratch would be full
guest_writes web vda 0 60M 3
mkdir "$backups/a..b"
guest_writes web vda 0 60M 4
ended a..b "scratch was filling $tmp/scratch"
there a
rmdir "$backups/a..b"
for _ in $(seq 50); do [ "$(virsh domstate web)" != running ] || break; sleep 0.1; done
is running "$(virsh domstate web)"
nothing_is_left

# The guest is turned off: what a counts from is in its images, and its next life goes on with it.
mkdir "$backups/a..b"
virsh -q destroy web
ended a..b "the guest was turned off"
there a
rmdir "$backups/a..b"
virsh -q start web
guest_writes web vda 30M 1M 5
vda=$(content web vda)
mkdir "$backups/a..b"
copy a..b
virsh -q destroy web
ended a..b "the guest was turned off"
rmdir "$backups/a..b"
there a b
qemu-img check -q "$tmp/copies/vda.b.qcow2"
qemu-img convert -O raw "$tmp/copies/vda.b.qcow2" "$tmp/flat"
is "$vda" "$(sha256sum < "$tmp/flat")"
virsh -q start web
rmdir "$mnt/web/checkpoints/b"
there a
nothing_is_left

# A second mount reads it, and may neither end nor keep it.
mkdir "$backups/a..b"
"$DOMFS" -f qemu:///system "$tmp/two" 2>> "$tmp/log" & pid2=$!
for _ in $(seq 100); do ! mountpoint -q "$tmp/two" || break; sleep 0.1; done
cmp "$two/a..b/vda.b.qcow2" "$backups/a..b/vda.b.qcow2"
is "incremental vda.b.qcow2" "$(sed -n 's/^vda //p' "$two/a..b/type")"
fails sh -c "echo 1 > '$two/a..b/keep'"
is "a..b belongs to pid $pid" "$(sed 's/.*: //' "$tmp/two/web/error")"
fails rmdir "$two/a..b"

# Its owner dies, and the other goes on with what it was told.
echo 1 > "$backups/a..b/keep"
unmount -KILL
rmdir "$two/a..b"
there_two() { is "$*" "$(virsh checkpoint-list web --name | sort | xargs)"; is "$*" "$(bitmaps)"; }
there_two a b
rmdir "$tmp/two/web/checkpoints/b"
there_two a
kill $pid2
wait $pid2

# Nobody is there as it ends: the next mount settles it.
for keep in 0 1; do
	mount_domfs qemu:///system -o "scratch=$tmp/scratch"
	mkdir "$backups/a..b"
	echo $keep > "$backups/a..b/keep"
	unmount
	virsh -q domjobabort web
	is "a b" "$(virsh checkpoint-list web --name | sort | xargs)"
	mount_domfs qemu:///system -o "scratch=$tmp/scratch"
	ended a..b "while no mount was up"
	rmdir "$backups/a..b"
	if [ $keep = 1 ]; then there a b; rmdir "$mnt/web/checkpoints/b"; fi
	there a
	nothing_is_left
	unmount
done

# domfs dies in mkdir, in cancel, in rmdir: there is a backup with its checkpoint, or neither.
for i in $(seq 8); do
	for what in mkdir cancel rmdir; do
		mount_domfs qemu:///system -o "scratch=$tmp/scratch"
		if [ $what = mkdir ]; then
			mkdir "$backups/a..b" 2>/dev/null & doing=$!
		else
			mkdir "$backups/a..b"
			if [ $what = rmdir ]; then echo 1 > "$backups/a..b/keep"; fi
			if [ $what = rmdir ]; then rmdir "$backups/a..b" & else echo cancel > "$mnt/web/job" & fi 2>/dev/null
			doing=$!
		fi
		sleep 0.0$((RANDOM % 9))$((RANDOM % 9))
		[ $what != mkdir ] || sleep 0.$((i / 2))
		unmount -KILL
		wait $doing || :
		mount_domfs qemu:///system -o "scratch=$tmp/scratch"
		left=$(ls "$backups")
		echo "killed in $what: ${left:-nothing} is left, $(sed -n 2p "$backups/a..b/type" 2>/dev/null || :)"
		case $what:$(sed -n 2p "$backups/a..b/type" 2>/dev/null) in
		*:pull)         there a b; echo cancel > "$mnt/web/job"; ended a..b cancelled ;;
		esac
		[ -z "$left" ] || rmdir "$backups/a..b"
		if [ $what = rmdir ]; then there a b; rmdir "$mnt/web/checkpoints/b"; fi
		there a
		nothing_is_left
		unmount
	done
done

# QEMU is killed: its bitmaps are lost, a backup since any of them is refused, and what was left of b is gone.
mount_domfs qemu:///system -o "scratch=$tmp/scratch,job-timeout=2"
mkdir "$backups/a..b"
kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
ended a..b "the guest crashed"
is "a"                          "$(ls "$mnt/web/checkpoints")"
rmdir "$backups/a..b"
virsh -q start web
says "the bitmap a of vda is inconsistent, so nobody knows what has changed since: begin anew with full.." mkdir "$backups/a..b"
nothing_is_left
rmdir "$mnt/web/checkpoints/a"
there

# Nobody reads it
mkdir "$backups/full..a"
ended full..a "nobody had it open for 2 s"
there
rmdir "$backups/full..a"
nothing_is_left
umount "$tmp/scratch"
proves "backup: ranges, a checkpoint stays only if all was read"
