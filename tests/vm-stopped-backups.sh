#!/bin/bash
# A domain that is off is backed up as one that runs, ranges too; only this holds its start back.
. tests/vm.sh
image base.qcow2 qcow2 32M
image web.qcow2 qcow2 64M -b "$tmp/base.qcow2" -F qcow2
image web.raw raw 16M
image far.raw raw 1M
qemu-io -f qcow2 -c 'write -P 1 1M 1M' "$tmp/base.qcow2" > /dev/null
define web "$(disk vda virtio qcow2 web.qcow2)$(disk vdb virtio raw web.raw)"
qemu-io -f qcow2 -c 'write -P 2 5M 70000' "$tmp/web.qcow2" > /dev/null
qemu-io -f raw -c 'write -P 3 0 1M' "$tmp/web.raw" > /dev/null
backups=$mnt/web/backups monday=$backups/monday

# storage: the pid of the daemon that serves
storage() {
	cat /run/domfs/*/pid
}

# write_off FILE FORMAT OFFSET LENGTH BYTE: while the domain is off
write_off() {
	qemu-io -f "$2" -c "write -P $5 $3 $4" "$tmp/$1" > /dev/null
}

is_unlocked() {
	qemu-io -f qcow2 -c 'write 60M 512' "$tmp/web.qcow2" > /dev/null
	qemu-io -f raw -c 'write 15M 512' "$tmp/web.raw" > /dev/null
}

is_all_gone() {
	is ""           "$(ls /run/domfs)"
	is ""           "$(find /var/lib/domfs -name 'backup-*')"
	is_unlocked
}

mount_domfs qemu:///system
vda=$(content web vda) vdb=$(content web vdb)
mkdir "$monday"
is "backup.xml domain.xml type vda.raw vdb.raw" "$(ls "$monday" | xargs)"
is "full|pull|vda full vda.raw|vdb full vdb.raw|quiesced no" "$(paste -sd'|' "$monday/type")"
is "operation backup|name monday|owner domfs, pid $pid" "$(head -3 "$mnt/web/job" | paste -sd'|')"
is "holds the images: the domain cannot be started until then" "$(tail -1 "$mnt/web/job")"
is "$(stat -c %s "$mnt/web/job")" "$(wc -c < "$mnt/web/job")"
is "$vda"       "$(sha256sum < "$monday/vda.raw")"
is "$vdb"       "$(sha256sum < "$monday/vdb.raw")"
cp "$monday/vda.raw" "$tmp/copy"
[ "$(stat -c %b "$tmp/copy")" -le 4096 ]                # of 64 MiB, 1.2 MiB are data
cp "$monday/vda.qcow2" "$tmp/copy.qcow2"
qemu-img compare -f qcow2 -F qcow2 "$tmp/copy.qcow2" "$tmp/web.qcow2" > /dev/null

# What would write to it is refused here, by name, and elsewhere by the lock.
says "web is busy: backup monday of domfs, pid $pid; wait, or see its file job" sh -c "echo running > $mnt/web/state"
says "web is busy: backup monday of domfs, pid $pid; wait, or see its file job" mkdir "$mnt/web/snapshots/one"
says "web is busy: backup monday of domfs, pid $pid; wait, or see its file job" mkdir "$backups/tuesday"
says "web is busy: backup monday of domfs, pid $pid; wait, or see its file job" mkdir "$mnt/web/checkpoints/one"
virsh start web 2>&1 | grep -q 'Failed to get "write" lock'
is "shut off"   "$(virsh domstate web)"
echo shutoff > "$mnt/web/state"                         # what is so already succeeds
is "$vda"       "$(sha256sum < "$monday/vda.raw")"
rmdir "$monday"
is "none"       "$(cat "$mnt/web/job")"
is_all_gone

# Ranges, of overlays too: the chain is the disk.
mkdir "$backups/full..a"
cp "$backups"/full..a/*.qcow2 "$tmp/"
rmdir "$backups/full..a"
is "a"          "$(virsh checkpoint-list web --name | xargs)"
write_off web.qcow2 qcow2 20M 1M 7
mkdir "$backups/a..b"
is "since a|pull|vda incremental vda.b.qcow2|vdb full vdb.b.qcow2 (raw)|quiesced no" "$(paste -sd'|' "$backups/a..b/type")"
cp "$backups"/a..b/*.qcow2 "$tmp/"
[ "$(stat -c %s "$tmp/vda.b.qcow2")" -lt 2000000 ]
rmdir "$backups/a..b"
virsh -q start web > /dev/null
virsh -q snapshot-create-as web over --disk-only --diskspec "vda,file=$tmp/over.qcow2" --diskspec vdb,snapshot=no --no-metadata > /dev/null
guest_writes web vda 30M 1M 9
virsh -q destroy web > /dev/null
mkdir "$backups/b..c"
cp "$backups"/b..c/vda.c.qcow2 "$tmp/"
rmdir "$backups/b..c" 2> /dev/null && { echo "vdb was not read"; exit 1; }
cat "$backups"/b..c/vdb.c.qcow2 > /dev/null
rmdir "$backups/b..c"
is "a b c"      "$(virsh checkpoint-list web --name | xargs)"
[ "$(stat -c %s "$tmp/vda.c.qcow2")" -lt 2000000 ]
qemu-img compare -U -f qcow2 -F qcow2 "$tmp/vda.c.qcow2" "$tmp/over.qcow2" > /dev/null
for file in a b c; do qemu-img check -q "$tmp/vda.$file.qcow2"; done

# One that ends before all was read takes its checkpoint along, bitmaps too.
mkdir "$backups/c..d"
says "web is busy: backup c..d of domfs, pid $pid; wait, or see its file job" rmdir "$mnt/web/checkpoints/a"
echo cancel > "$mnt/web/job"
is "ended: cancelled" "$(sed -n 2p "$backups/c..d/type")"
is "a b c"      "$(virsh checkpoint-list web --name | xargs)"
fails grep -q '"name": "d"' <(qemu-img info --output=json "$tmp/over.qcow2")
fails cat "$backups/c..d/vda.raw" > /dev/null
virsh -q start web > /dev/null
virsh -q destroy web > /dev/null
rmdir "$backups/c..d"

# domfs dies, and the next one goes on with it.
vda=$(content web vda)
mkdir "$monday"
daemon=$(storage)
unmount -KILL
kill -0 "$daemon"
mount_domfs qemu:///system
is "owner domfs, pid $pid" "$(sed -n 3p "$mnt/web/job")"
is "$vda"       "$(sha256sum < "$monday/vda.raw")"
unmount
kill -0 "$daemon"                                       # unmounting ends nothing either
mount_domfs qemu:///system
is "$daemon"    "$(storage)"
is "$vda"       "$(sha256sum < "$monday/vda.raw")"
rmdir "$monday"
fails kill -0 "$daemon"

# The daemon dies: what is open is EIO for good, and the domain is free.
mkdir "$monday"
exec 3< "$monday/vda.raw"
head -c 4096 <&3 > /dev/null
kill -KILL "$(storage)"
fails cat <&3 > /dev/null
for _ in $(seq 30); do [ "$(sed -n 2p "$monday/type")" = pull ] || break; sleep 0.1; done
is "ended: its storage daemon is gone" "$(sed -n 2p "$monday/type")"
fails cat "$monday/vda.raw" > /dev/null
exec 3<&-
echo running > "$mnt/web/state"
virsh -q destroy web > /dev/null
rmdir "$monday"

# It dies while no mount is up.
mkdir "$monday"
daemon=$(storage)
unmount -KILL
kill -KILL "$daemon"
mount_domfs qemu:///system
is "ended: while no mount was up" "$(sed -n 2p "$monday/type")"
rmdir "$monday"
is ""           "$(ls /run/domfs)"

# Nothing is left of one that could not begin.
qemu-io -f raw -c 'sleep 30000' "$tmp/web.raw" > /dev/null & writer=$!
while ! grep -q "$(printf '%02x:%02x:%d 100 101' $(stat -c '%Hd %Ld %i' "$tmp/web.raw"))" /proc/locks; do sleep 0.05; done
says "another process writes to an image of web, or it was just started: another process writes to $tmp/web.raw, see lsof $tmp/web.raw" mkdir "$backups/full..e"
kill $writer
wait $writer 2> /dev/null || :
is "a b c"      "$(virsh checkpoint-list web --name | xargs)"
fails grep -q '"name": "e"' <(qemu-img info --output=json "$tmp/over.qcow2")
is ""           "$(ls "$backups")"
is ""           "$(ls /run/domfs)"

# What is no file here cannot be read.
define far "$(disk vda virtio raw far.raw)<disk type='network' device='disk'><driver name='qemu' type='raw'/>
	<source protocol='nbd' name='x'><host name='localhost' port='1'/></source><target dev='vdb' bus='virtio'/></disk>"
domain=far
says "vdb is no file here, and can only be read by its guest: start it, or write the other disks to options/disks" mkdir "$mnt/far/backups/x"
echo vda > "$mnt/far/options/disks"
mkdir "$mnt/far/backups/x"
virsh -q detach-disk far vdb --config > /dev/null
virsh start far 2>&1 | grep -q 'Failed to get "write" lock'     # of a raw image too
cat "$mnt/far/backups/x/vda.raw" > /dev/null
rmdir "$mnt/far/backups/x"
proves "backup: of a stopped domain, ranges too"
