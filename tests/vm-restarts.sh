#!/bin/bash
# libvirtd restarts five times under four readers and two listers: each copy is right or fails, no listing is empty.
. tests/vm.sh
libvirtd_is_killed
for name in web db; do
	image $name.qcow2 qcow2 64M
	start $name "$(disk vda virtio qcow2 $name.qcow2)"
done
guest_writes web vda 0 48M 5
sum=$(content web vda)
mount_domfs qemu:///system -o timeout=5
mkdir "$mnt/web/snapshots/one" "$mnt/web/backups/monday"
guest_writes web vda 0 48M 6

reader() {
	while [ ! -e "$tmp/stop" ]; do
		if cp "$mnt/web/backups/monday/vda.raw" "$tmp/copy$1" 2>/dev/null; then
			[ "$(sha256sum < "$tmp/copy$1")" = "$sum" ] && echo right || echo wrong
		else
			echo failed
		fi
	done
}

lister() {
	while [ ! -e "$tmp/stop" ]; do
		for d in . web/snapshots web/backups; do
			if names=$(ls "$mnt/$d" 2>/dev/null); then [ -n "$names" ] && echo right || echo "empty $d"; else echo failed; fi
		done
	done
}

usable() {
	[ "$(cat "$mnt/web/state")" = running ] && [ "$(ls "$mnt/web/snapshots")" = one ] && mkdir "$mnt/db/snapshots/$1" &&
		rmdir "$mnt/db/snapshots/$1"
}

for i in 1 2 3 4; do reader $i > "$tmp/reader$i" & readers="${readers:-} $!"; done
for i in 1 2; do lister $i > "$tmp/lister$i" & readers="$readers $!"; done
for i in 1 2 3 4 5; do
	sleep 1
	[ $((i % 2)) = 0 ] && stop_libvirtd -TERM || stop_libvirtd -KILL
	start_libvirtd
	begin=$(date +%s%N)
	until usable "s$i" 2>/dev/null; do
		[ $(($(date +%s%N) - begin)) -lt 5000000000 ] || { cat "$mnt/.domfs/errors"; exit 1; }
		sleep 0.1
	done
	echo "usable $((($(date +%s%N) - begin) / 1000000)) ms after restart $i"
done
touch "$tmp/stop"
wait $readers
sort "$tmp"/reader? | uniq -c
sort "$tmp"/lister? | uniq -c
is "" "$(cat "$tmp"/reader? "$tmp"/lister? | grep -vE '^(right|failed)$')"
grep -q right "$tmp"/reader?
grep -q right "$tmp"/lister?
is "$sum" "$(sha256sum < "$mnt/web/backups/monday/vda.raw")"
rmdir "$mnt/web/backups/monday"
proves "backup: pull, goes on when libvirtd restarts"
