#!/bin/bash
# However a backup ends, nobody reads a byte of another time: each copy is right, or fails.
. tests/vm.sh
image a.qcow2 qcow2 64M
image b.qcow2 qcow2 8M
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio qcow2 b.qcow2)"
mount_domfs qemu:///system
backups=$mnt/web/backups

# ended BACKUP WHY: it stays and says so, its images are EIO, and the domain is free
ended() {
	for _ in $(seq 50); do [ "$(sed -n 2p "$backups/$1/type")" = pull ] || break; sleep 0.1; done
	is "ended: $2"          "$(sed -n 2p "$backups/$1/type")"
	is "cat: $backups/$1/vda.raw: Input/output error" "$(cat "$backups/$1/vda.raw" 2>&1 > /dev/null)"
	is "67108864"           "$(stat -c %s "$backups/$1/vda.raw")"
	is ""                   "$(ls "$tmp" | grep domfs- || :)"
}

# copies SUM ROUND READER: of vda again and again, until one fails; each that ends well is right
copies() {
	local copy=$tmp/copy$3
	while cp "$backups/round$2/vda.raw" "$copy" 2>/dev/null; do
		[ "$(sha256sum < "$copy")" = "$1" ] && echo right || echo wrong
	done
}

# Another client ends it, under load
for i in $(seq 25); do
	letter=$((i % 2 + 1))
	guest_writes web vda 0 12M $letter
	sum=$(content web vda)
	mkdir "$backups/round$i"
	guest_writes web vda 0 12M $((i + 10))
	for reader in 1 2 3; do copies "$sum" $i $reader >> "$tmp/copies" & readers="${readers:-} $!"; done
	sleep 0.$((RANDOM % 9 + 1))
	virsh -q domjobabort web
	wait $readers
	readers=
	ended "round$i" "another client ended it"
	rmdir "$backups/round$i"
done
sort "$tmp/copies" | uniq -c
is "" "$(grep -v right "$tmp/copies" || :)"
grep -q right "$tmp/copies"

# The guest is turned off, and somebody has it open
mkdir "$backups/destroyed"
exec 3< "$backups/destroyed/vda.raw"
head -c 4096 <&3 > /dev/null
virsh -q destroy web
fails cat <&3
ended destroyed "the guest was turned off"
rmdir "$backups/destroyed"                      # though it is open
fails cat <&3
exec 3<&-
is "" "$(ls "$backups")"

# QEMU dies
virsh -q start web
mkdir "$backups/killed"
kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
ended killed "the guest crashed"
rmdir "$backups/killed"

# It dies while libvirtd is down
virsh -q start web
mkdir "$backups/alone"
exec 3< "$backups/alone/vda.raw"
qemu=$(cat /run/libvirt/qemu/web.pid)
stop_libvirtd -KILL
head -c 4096 <&3 > /dev/null                    # nothing has ended yet
kill -KILL $qemu
fails cat <&3
exec 3<&-
start_libvirtd
for _ in $(seq 50); do ! ls "$backups" > /dev/null 2>&1 || break; sleep 0.1; done
ended alone "the guest crashed"
rmdir "$backups/alone"

# libvirtd dies and comes back: nothing has ended
virsh -q start web
guest_writes web vda 0 12M 1
sum=$(content web vda)
mkdir "$backups/on"
guest_writes web vda 0 12M 2
exec 3< "$backups/on/vda.raw"
stop_libvirtd -KILL
(sha256sum <&3 > "$tmp/sum") 2>/dev/null & reader=$!
exec 3<&-
sleep 1
kill -0 $reader                                 # it waits for its last bytes
start_libvirtd
wait $reader
is "$sum" "$(cat "$tmp/sum")"
for _ in $(seq 50); do ! ls "$backups" > /dev/null 2>&1 || break; sleep 0.1; done
is "pull" "$(sed -n 2p "$backups/on/type")"

# The user ends it
exec 3< "$backups/on/vda.raw"
echo cancel > "$mnt/web/job"
fails cat <&3
exec 3<&-
ended on "cancelled"
mkdir "$backups/next"
rmdir "$backups/on" "$backups/next"
