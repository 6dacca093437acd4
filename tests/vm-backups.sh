#!/bin/bash
# A backup shows each disk as it was at mkdir, whatever the guest writes, with its holes, to many readers.
. tests/vm.sh
image base.qcow2 qcow2 64M
image virtio.qcow2 qcow2 96M -b "$tmp/base.qcow2" -F qcow2
image scsi.raw raw 32M
image sata.qcow2 qcow2 16M
start web "$(disk vda virtio qcow2 virtio.qcow2)$(disk sda scsi raw scsi.raw)$(disk sdb sata qcow2 sata.qcow2)
	<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>"
image db.qcow2 qcow2 8M
start db "$(disk vda virtio qcow2 db.qcow2)"
guest_writes web vda 1M 1M 1
guest_writes web vda 50M 70000 2
guest_writes web sda 0 8M 3
vda=$(content web vda) sda=$(content web sda) sdb=$(content web sdb)
before=$(virsh dumpxml web)
mount_domfs qemu:///system
backups=$mnt/web/backups
monday=$backups/monday

mkdir "$monday"
is "backup.xml domain.xml sda.raw sdb.raw type vda.raw" "$(ls "$monday" | xargs)"
is "full|pull|vda full vda.raw|sda full sda.raw|sdb full sdb.raw|quiesced no" "$(paste -sd'|' "$monday/type")"
is "operation backup|name monday|owner domfs, pid $pid" "$(head -3 "$mnt/web/job" | paste -sd'|')"
is "$before"                    "$(virsh dumpxml web)"
is ""                           "$(virsh checkpoint-list web --name)"
is "$(virsh domuuid web)"       "$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$monday/domain.xml")"
is "$(virsh backup-dumpxml web)" "$(cat "$monday/backup.xml")"

# The guest writes on, and so does another client of libvirt.
(while [ ! -e "$tmp/stop" ]; do for disk in vda sda sdb; do guest_writes web $disk $((RANDOM % 15))M 1M $((RANDOM % 250 + 5)); done; done) & writer=$!
for i in 1 2 3; do
	for disk in vda sda sdb; do cp "$monday/$disk.raw" "$tmp/$disk.$i" & copies="${copies:-} $!"; done
done
for copy in $copies; do wait $copy; done
for i in 1 2 3; do
	is "$vda"               "$(sha256sum < "$tmp/vda.$i")"
	is "$sda"               "$(sha256sum < "$tmp/sda.$i")"
	is "$sdb"               "$(sha256sum < "$tmp/sdb.$i")"
done
fails [ "$vda" = "$(content web vda)" ]                 # what is compared would show the difference

# At odd places, eight at a time
python3 - "$monday/vda.raw" "$tmp/vda.1" <<-'END'
	import os, random, sys, threading
	backup, copy = (os.open(path, os.O_RDONLY) for path in sys.argv[1:])
	size, wrong = os.fstat(copy).st_size, []
	def read(seed):
	    r = random.Random(seed)
	    for _ in range(200):
	        at, n = r.randrange(size - 1000000), r.randrange(1, 300000)     # the last data takes half a second
	        if os.pread(backup, n, at) != os.pread(copy, n, at):
	            wrong.append(at)
	threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
	for t in threads: t.start()
	for t in threads: t.join()
	assert os.fstat(backup).st_size == size and not wrong, wrong
END
touch "$tmp/stop"
wait $writer

# Its holes are holes, and its sizes need no opening.
is "100663296 2304"             "$(stat -c '%s %b' "$monday/vda.raw")"
is "16777216 0"                 "$(stat -c '%s %b' "$monday/sdb.raw")"
[ "$(stat -c %b "$tmp/vda.1")" -le 2304 ]
is "$sdb"                       "$(sha256sum < "$tmp/sdb.1")"
is "1048576 2097152 52428800"   "$(python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
print(os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 1 << 20, os.SEEK_HOLE), os.lseek(fd, 2 << 20, os.SEEK_DATA))' "$monday/vda.raw")"
tar -C "$monday" -Scf - vda.raw sdb.raw | tar -C "$tmp" -xf -
is "$vda"                       "$(sha256sum < "$tmp/vda.raw")"
is "$sdb"                       "$(sha256sum < "$tmp/sdb.raw")"

# Two domains of one directory may have a backup of one name.
mkdir "$mnt/db/backups/monday"
is "domfs-monday.vda domfs-monday.vda.db" "$(cd "$tmp"; ls domfs-monday.vda* | xargs)"
rmdir "$mnt/db/backups/monday"

# While a file is open, it does not end.
exec 3< "$monday/vda.raw"
says "vda.raw is open in $(cat /proc/$$/comm), pid $$" rmdir "$monday"
exec 3<&-
rmdir "$monday"
is ""                           "$(ls "$backups")"
is "none"                       "$(cat "$mnt/web/job")"
is ""                           "$(ls "$tmp" | grep domfs-)"
is "monitor.sock"               "$(ls /var/lib/libvirt/qemu/domain-*-web | grep -E 'sock|domfs')"
is ""                           "$(find /var/lib/domfs -name 'backup-*' -o -name '.backup-*')"

# Some of the disks
echo sda,sdb > "$mnt/web/options/disks"
mkdir "$backups/some"
is "sda.raw sdb.raw"            "$(cd "$backups/some"; ls *.raw | xargs)"
rmdir "$backups/some"
unmount

# Scratch and socket where one likes
mkdir -m 711 "$tmp/scratch"
mount_domfs qemu:///system -o "scratch=$tmp/scratch,run=$tmp/run"
mkdir "$monday"
is "domfs-monday.sda domfs-monday.sdb domfs-monday.vda" "$(ls "$tmp/scratch" | xargs)"
is "libvirt-qemu 700"           "$(stat -c '%U %a' "$tmp"/run/*)"
is "0"                          "$(sed -n 's/^bytes  *//p' "$mnt/web/job")"
cat "$monday"/*.raw > /dev/null
is "percent 100"                "$(grep percent "$mnt/web/job" | tr -s ' ')"
rmdir "$monday"
is ""                           "$(ls "$tmp/scratch" "$tmp/run" | grep -v :)"
virsh -q suspend web
mkdir "$backups/paused"
cat "$backups/paused/sda.raw" > /dev/null
rmdir "$backups/paused"
proves "backup: pull, full, of all kinds of disks"
