#!/bin/bash
# A push is all there, or nothing of it is: cancelled, on a full disk, when the guest dies, and whoever is up meanwhile.
. tests/vm.sh
libvirtd_is_killed
[ -n "$(command -v nbdkit)" ] || skip "no nbdkit, which makes a slow disk"
image vda.qcow2 qcow2 8M
head -c 24M /dev/urandom > "$tmp/slow.raw"
# It may not outlive a client that is killed.
serve() {
	! pgrep -x nbdkit > /dev/null || return 0
	rm -f "$tmp/nbd"
	nbdkit -U "$tmp/nbd" --filter=rate file "$tmp/slow.raw" rate=60M burstiness=0.5
	chmod 777 "$tmp/nbd"
}
serve
start web "$(disk vda virtio qcow2 vda.qcow2)
	<disk type='network'><driver type='raw'/><source protocol='nbd'><host transport='unix' socket='$tmp/nbd'/></source>
	<target dev='vdb' bus='virtio'/></disk>"
guest_writes web vda 1M 1M 1
mount_domfs qemu:///system
cd "$mnt/web"
srv=$tmp/srv
mkdir "$srv"
echo "$srv" > options/target
backup=backups/full..a

# becomes "LINE": what type says of it
becomes() {
	for _ in $(seq 300); do [ "$(sed -n 2p "$backup/type" 2> /dev/null)" != "$1" ] || return 0; sleep 0.1; done
	is "$1" "$(sed -n 2p "$backup/type")"
}
is_nothing() {
	for _ in $(seq 50); do [ -n "$(virsh checkpoint-list web --name)" ] || break; sleep 0.1; done   # whoever saw its end is at it
	is ""                   "$(ls "$srv")"
	is ""                   "$(virsh checkpoint-list web --name | xargs)"
	is "none"               "$(cat job)"
	rmdir "$backup"
	is ""                   "$(find /var/lib/domfs -name '*backup-*')"
}

# It goes on by itself, and rmdir waits for nobody.
mkdir "$backup"
is "push"                       "$(sed -n 2p "$backup/type")"
is "vda.a.qcow2.part vdb.a.qcow2.part" "$(ls "$srv" | xargs)"
is "operation backup|name full..a|owner domfs, pid $pid" "$(head -3 job | paste -sd'|')"
for _ in $(seq 20); do grep -q "^total  *33554432$" job && break || sleep 0.05; done         # libvirt may have to be asked again
grep -q "^total  *33554432$" job
says "full..a is being written to $srv: wait, or cancel to job" rmdir "$backup"
says "web is busy: backup full..a of domfs, pid $pid; wait, or see its file job" mkdir backups/other
echo cancel > job
becomes "ended: cancelled"
is_nothing
proves "backup: push, cancelled without a trace"

# The guest dies, and so does its QEMU.
mkdir "$backup"
virsh --quiet destroy web
becomes "ended: the guest was turned off"
is_nothing
sleep 0.2; serve
virsh --quiet start web
mkdir "$backup"
kill -9 "$(cat /run/libvirt/qemu/web.pid)"
becomes "ended: the guest crashed"
is ""                           "$(ls "$srv")"
rmdir "$backup"
sleep 0.2; serve
virsh --quiet start web

# A disk that is full
mkdir "$tmp/small"
mount -t tmpfs -o size=12M,mode=755 small "$tmp/small"
echo "$tmp/small" > options/target
mkdir "$backup"
becomes "ended: No space left on device"
is ""                           "$(ls "$tmp/small")"
is "running"                    "$(cat state)"
is_nothing
echo "$srv" > options/target
umount "$tmp/small"

proves "backup: push, all or nothing when the guest dies or the disk is full"

# Somebody else takes the name meanwhile, and keeps it.
mkdir "$backup"
echo mine > "$srv/vdb.a.qcow2"
becomes "ended: $srv/vdb.a.qcow2 could not get its name: File exists"
is "vdb.a.qcow2"                "$(ls "$srv")"
is "mine"                       "$(cat "$srv/vdb.a.qcow2")"
rm "$srv/vdb.a.qcow2"
is_nothing

# Who dies meanwhile has it watched on by the next mount, which finds it at work ...
mkdir "$backup"
cd /
unmount -KILL
mount_domfs qemu:///system
cd "$mnt/web"
is "push"                       "$(sed -n 2p "$backup/type")"
becomes "ended: complete"
is "vda.a.qcow2 vdb.a.qcow2"    "$(ls "$srv" | xargs)"
is "$(content web vda)"         "$(qemu-img convert -O raw "$srv/vda.a.qcow2" "$tmp/flat" && sha256sum < "$tmp/flat")"
cmp "$tmp/slow.raw" <(qemu-img convert -O raw "$srv/vdb.a.qcow2" "$tmp/flat" && cat "$tmp/flat")
rmdir "$backup"
is "a"                          "$(virsh checkpoint-list web --name | xargs)"

# ... or done, and gives the files their names ...
backup=backups/a..b
echo "$srv" > options/target
mkdir "$backup"
cd /
unmount
while virsh backup-dumpxml web > /dev/null 2>&1; do sleep 0.1; done
is "vda.a.qcow2 vda.b.qcow2.part vdb.a.qcow2 vdb.b.qcow2.part" "$(ls "$srv" | xargs)"
mount_domfs qemu:///system
cd "$mnt/web"
becomes "ended: complete"
is "vda.a.qcow2 vda.b.qcow2 vdb.a.qcow2 vdb.b.qcow2" "$(ls "$srv" | xargs)"
is "vda.a.qcow2"                "$(qemu-img info "$srv/vda.b.qcow2" | sed -n 's/backing file: \([^ ]*\).*/\1/p')"
rmdir "$backup"
is "a b"                        "$(virsh checkpoint-list web --name | xargs)"

# ... or over, but nobody can tell any more how: then it is none.
backup=backups/b..c
echo "$srv" > options/target
mkdir "$backup"
cd /
unmount
virsh --quiet domjobabort web
while virsh backup-dumpxml web > /dev/null 2>&1; do sleep 0.1; done
mount_domfs qemu:///system
cd "$mnt/web"
becomes "ended: it ended while no mount was up, and nobody can say that all was written"
is "vda.a.qcow2 vda.b.qcow2 vdb.a.qcow2 vdb.b.qcow2" "$(ls "$srv" | xargs)"
is "a b"                        "$(virsh checkpoint-list web --name | xargs)"
rmdir "$backup"

proves "backup: push, goes on when domfs dies"

# libvirtd comes and goes, and knows of no job that ended before.
echo "$srv" > options/target
has_ended() {
	for _ in $(seq 300); do ! grep -q '^ended: ' "$backup/type" 2> /dev/null || return 0; sleep 0.1; done
	fails cat "$backup/type"
}
for _ in 1 2 3; do
	mkdir "$backup"
	stop_libvirtd -KILL
	start_libvirtd
	has_ended
	! grep -qx 'ended: complete' "$backup/type" || break
	is ""                   "$(ls "$srv" | grep '\.c\.' || :)"     # what ended while it was away, nobody can vouch for
	rmdir "$backup"
done
[ -d "$backup" ] || mkdir "$backup"
becomes "ended: complete"
is "vda.b.qcow2"                "$(qemu-img info "$srv/vda.c.qcow2" | sed -n 's/backing file: \([^ ]*\).*/\1/p')"
rmdir "$backup"

# As long as it says push, it is what runs: while nobody can ask QEMU, and while its files get their names.
cd /
unmount
mkdir "$tmp/bin"
cat > "$tmp/bin/qemu-img" <<-END
	#!/bin/sh
	[ "\$1" != rebase ] || until [ -e "$tmp/go" ]; do sleep 0.05; done
	exec $(command -v qemu-img) "\$@"
END
chmod +x "$tmp/bin/qemu-img"
PATH=$tmp/bin:$PATH mount_domfs qemu:///system
cd "$mnt/web"
backup=backups/c..d
is_at_work() {
	is "operation backup|name c..d|owner domfs, pid $pid" "$(paste -sd'|' job | cut -d'|' -f1-3)"
	is "7"                  "$(wc -l < job)"
	is "push"               "$(sed -n 2p "$backup/type")"
}
echo "$srv" > options/target
mkdir "$backup"
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP "$qemu"
virsh qemu-monitor-command web --hmp info version > /dev/null & other=$!
until [ "$(virsh domcontrol web | cut -d' ' -f1)" != ok ]; do sleep 0.05; done
is_at_work
kill -CONT "$qemu"
wait $other
until pgrep -f 'qemu-img rebase' > /dev/null; do sleep 0.05; done
is_at_work
says "web is busy: backup c..d of domfs, pid $pid; wait, or see its file job" mkdir snapshots/other
(sleep 1; touch "$tmp/go") &
says "c..d is just done, all of it is in $srv" sh -c 'echo cancel > job'
is "ended: complete"            "$(sed -n 2p "$backup/type")"
is "none"                       "$(cat job)"
is "vda.c.qcow2"                "$(qemu-img info "$srv/vda.d.qcow2" | sed -n 's/backing file: \([^ ]*\).*/\1/p')"
rmdir "$backup"
cd /
