#!/bin/bash
# A backup that nobody reads is ended after a while, and each before its scratch file stops the guest.
. tests/vm.sh
image a.qcow2 qcow2 64M
mkdir -m 711 "$tmp/scratch"
mount -t tmpfs -o size=24M,mode=711 scratch "$tmp/scratch"
start web "$(disk vda virtio qcow2 a.qcow2)"
guest_writes web vda 0 60M 1
mount_domfs qemu:///system -o "job-timeout=2,scratch=$tmp/scratch"
backups=$mnt/web/backups

# why BACKUP: it ended, when it has
why() {
	for _ in $(seq 60); do [ "$(sed -n 2p "$backups/$1/type")" = pull ] || break; sleep 0.1; done
	sed -n 2p "$backups/$1/type"
}

mkdir "$backups/read" "$tmp/copy"
exec 3< "$backups/read/vda.raw"
sleep 3
is "pull"               "$(sed -n 2p "$backups/read/type")"
head -c 65536 <&3 > /dev/null
exec 3<&-
is "ended: nobody had it open for 2 s" "$(why read)"
rmdir "$backups/read"

mkdir "$backups/filling"
exec 3< "$backups/filling/vda.raw"
for i in $(seq 0 4 56); do guest_writes web vda ${i}M 4M 2; sleep 0.25; done
is "ended: scratch was filling $tmp/scratch" "$(why filling)"
is "running"            "$(virsh domstate web)"
fails cat <&3
exec 3<&-
is ""                   "$(ls "$tmp/scratch")"
rmdir "$backups/filling"

# Faster than anybody can look: the guest goes on all the same
mkdir "$backups/flooded"
guest_writes web vda 0 60M 3
is "ended: scratch was filling $tmp/scratch" "$(why flooded)"
for _ in $(seq 50); do [ "$(virsh domstate web)" != running ] || break; sleep 0.1; done
is "running"            "$(virsh domstate web)"
rmdir "$backups/flooded"
unmount

mount_domfs qemu:///system -o "scratch=$tmp/scratch,scratch-reserve=25M"
domain=web
mkdir "$tmp/out"
fails mkdir "$backups/full"
grep -q "$tmp/scratch has [0-9]* bytes left, and 26214400 are to stay free" "$mnt/web/error"
is ""                   "$(ls "$backups"; find /var/lib/domfs -name 'backup-*')"
umount "$tmp/scratch"
proves "backup: pull, ended before its scratch is full"
