#!/bin/bash
# domfs may die at any moment of a backup: the next mount serves it, or has undone it.
. tests/vm.sh
image a.qcow2 qcow2 64M
start web "$(disk vda virtio qcow2 a.qcow2)"
guest_writes web vda 0 20M 1
sum=$(content web vda)
backups=$mnt/web/backups
two=$tmp/two
mkdir "$two"

# nothing_is_left: of any backup
nothing_is_left() {
	is "" "$(find /var/lib/domfs -name 'backup-*' -o -name '.backup-*')"
	is "" "$(ls "$tmp" | grep domfs- || :)"
	is "monitor.sock" "$(ls /var/lib/libvirt/qemu/domain-*-web | grep -E 'sock|domfs')"
	is "None" "$(virsh domjobinfo web | sed -n 's/Job type: *\([A-Za-z]*\) *$/\1/p')"
}

mount_two() {
	"$DOMFS" -f "$@" qemu:///system "$two" 2>> "$tmp/log" & pid2=$!
	for _ in $(seq 100); do mountpoint -q "$two" && return; sleep 0.1; done
	exit 1
}

# A second mount lists and reads it, and may not end it.
mount_domfs qemu:///system
mkdir "$backups/monday"
guest_writes web vda 0 20M 2
seen=$(stat -c '%n %i %s %b %Y' "$backups"/monday/*.raw | sed "s#$mnt##")
mount_two
is "monday"             "$(ls "$two/web/backups")"
is "$seen"              "$(stat -c '%n %i %s %b %Y' "$two"/web/backups/monday/*.raw | sed "s#$two##")"
cmp "$two/web/backups/monday/vda.raw" "$backups/monday/vda.raw"
is "$sum"               "$(sha256sum < "$two/web/backups/monday/vda.raw")"
fails rmdir "$two/web/backups/monday"
is "rmdir monday: monday belongs to pid $pid" "$(sed 's/^[^ ]* //' "$two/web/error")"
is "name monday owner domfs, pid $pid" "$(sed -n 2,3p "$two/web/job" | xargs)"

# What one began that died, the other reads on; and may end after all.
exec 3< "$two/web/backups/monday/vda.raw"
unmount -KILL
is "$sum"               "$(sha256sum <&3)"
exec 3<&-
is "monday"             "$(ls "$two/web/backups")"
is "$sum"               "$(sha256sum < "$two/web/backups/monday/vda.raw")"
rmdir "$two/web/backups/monday"
nothing_is_left

# What is left of it is the owner's to say, who knows what was read; and the other's, once that one is dead.
mount_domfs qemu:///system
mkdir "$backups/full..a"
until [ -d "$two/web/backups/full..a" ]; do sleep 0.1; done     # it has no event
for change in "rmdir full..a: rmdir $two/web/backups/full..a" "write keep: echo 1 > $two/web/backups/full..a/keep" \
	"write job: echo cancel > $two/web/job"; do
	fails eval "${change#*: }"
	is "${change%%: *}: full..a belongs to pid $pid" "$(sed 's/^[^ ]* //' "$two/web/error")"
done
unmount -KILL
echo 1 > "$two/web/backups/full..a/keep"
is "1"                  "$(cat "$two/web/backups/full..a/keep")"
rmdir "$two/web/backups/full..a"
is "a"                  "$(virsh checkpoint-list web --name | xargs)"
rmdir "$two/web/checkpoints/a"
nothing_is_left

# Its end is seen by the other mount, too.
mount_domfs qemu:///system
guest_writes web vda 0 20M 1
mkdir "$backups/tuesday"
until [ -d "$two/web/backups/tuesday" ]; do sleep 0.1; done     # it has no event
exec 3< "$two/web/backups/tuesday/vda.raw"
head -c 1000 <&3 > /dev/null
echo cancel > "$mnt/web/job"
fails cat <&3
exec 3<&-
sleep 1.1
is "ended: cancelled"   "$(sed -n 2p "$two/web/backups/tuesday/type")"
rmdir "$two/web/backups/tuesday"                # it has no owner any more
sleep 1.1
is ""                   "$(ls "$backups")"
kill $pid2
wait $pid2

# During reads
mkdir "$backups/wednesday"
guest_writes web vda 0 20M 3
cp "$backups/wednesday/vda.raw" "$tmp/copy" 2>/dev/null & copy=$!
sleep 0.1
unmount -KILL
fails wait $copy
mount_domfs qemu:///system
is "wednesday"          "$(ls "$backups")"
is "$sum"               "$(sha256sum < "$backups/wednesday/vda.raw")"
is "full pull"          "$(head -2 "$backups/wednesday/type" | xargs)"

# Unmounted, and ended meanwhile
unmount
virsh -q domjobabort web
mount_domfs qemu:///system
is "ended: while no mount was up" "$(sed -n 2p "$backups/wednesday/type")"
fails cat "$backups/wednesday/vda.raw"
mkdir "$backups/thursday"                       # the domain is free
rmdir "$backups/wednesday"
rmdir "$backups/thursday"
nothing_is_left

# In mkdir
for i in $(seq 20); do
	guest_writes web vda 0 20M 1
	mkdir "$backups/friday" 2>/dev/null & making=$!
	sleep 0.0$((i * 4 + RANDOM % 4))
	unmount -KILL
	wait $making && made=0 || made=1
	mount_domfs qemu:///system
	guest_writes web vda 0 20M $((i + 10))
	if [ -d "$backups/friday" ]; then
		is "$sum" "$(sha256sum < "$backups/friday/vda.raw")"
		rmdir "$backups/friday"
		echo "killed in mkdir, round $i: it is served"
	else
		is 1 $made
		echo "killed in mkdir, round $i: it never was"
	fi
	nothing_is_left
done

# In rmdir
for i in $(seq 10); do
	mkdir "$backups/saturday"
	rmdir "$backups/saturday" 2>/dev/null & going=$!
	sleep 0.0$((RANDOM % 6))
	unmount -KILL
	wait $going || :
	mount_domfs qemu:///system
	[ ! -d "$backups/saturday" ] || rmdir "$backups/saturday"
	nothing_is_left
done

# In mkdir, while QEMU is stopped: libvirtd goes on with it when nobody waits for it any more.
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP $qemu
mkdir "$backups/sunday" 2>/dev/null & making=$!
sleep 1
unmount -KILL
fails wait $making
within 5 mount_domfs qemu:///system
is ""                   "$(ls "$backups")"
kill -CONT $qemu
for _ in $(seq 50); do [ -n "$(find /var/lib/domfs -name 'backup-*')" ] || break; sleep 0.1; done
nothing_is_left

# The caller may go: ^C
for i in $(seq 15); do
	timeout -s INT 0.0$((RANDOM % 6 + 1)) mkdir "$backups/monday" && made=0 || made=$?
	until [ -d "$backups/monday" ] || [ "$(cat "$mnt/web/job")" = none ]; do sleep 0.1; done
	[ $made != 0 ] || is "pull" "$(sed -n 2p "$backups/monday/type")"
	while [ -d "$backups/monday" ]; do              # busy while what was made in spite of it is undone
		rmdir "$backups/monday" 2>/dev/null || { [ $made != 0 ]; sleep 0.1; }
	done
	for _ in $(seq 50); do [ -n "$(find /var/lib/domfs -name '*backup-*')" ] || break; sleep 0.1; done
	echo "^C in mkdir, round $i: $made"
	nothing_is_left
done

# Between record and job: what only a record tells of, goes.
mkdir "$backups/monday"
unmount
virsh -q domjobabort web
rm /var/lib/domfs/*/backup-monday/disks
mount_domfs qemu:///system
is ""                   "$(ls "$backups")"
nothing_is_left

# A mount that only looks takes nothing over.
mkdir "$backups/monday"
unmount -KILL
virsh -q domjobabort web
mount_two -o ro
is "ended: its job is gone" "$(sed -n 2p "$two/web/backups/monday/type")"
is ""                   "$(find /var/lib/domfs -name ended)"
kill $pid2
wait $pid2
proves "backup: pull, goes on when domfs dies"
