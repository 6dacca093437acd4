#!/bin/bash
# Where nobody can be asked what became of a range, or nothing can be done about the checkpoint it leaves, that is not
# forgotten: as soon as somebody can, it is done.
. tests/vm.sh
libvirtd_is_killed
domain=web
image a.qcow2 qcow2 64M
start web "$(disk vda virtio qcow2 a.qcow2)"
mount_domfs qemu:///system
backups=$mnt/web/backups

# bitmaps: their names, in the running QEMU or else in the image
bitmaps() {
	if [ "$(virsh domstate web)" = running ]; then
		virsh -q qemu-monitor-command web '{"execute": "query-named-block-nodes"}' | jq -r '.return[]."dirty-bitmaps"[]? | select (.persistent).name'
	else
		qemu-img info --output=json "$tmp/a.qcow2" | jq -r '."format-specific".data.bitmaps[]?.name'
	fi | sort -u | xargs
}

# there CHECKPOINT...: these, and no others; libvirt and the images agree
there() {
	is "$*"                 "$(virsh checkpoint-list web --name | sort | xargs)"
	is "$*"                 "$(bitmaps)"
}

# soon COMMAND...: it succeeds within ten seconds
soon() {
	for _ in $(seq 100); do ! "$@" > /dev/null 2>&1 || return 0; sleep 0.1; done
	echo "not even soon: $*"
	exit 1
}

settled() {
	[ -z "$(find /var/lib/domfs -path "*backup-*" -name leaves | while read f; do [ -e "${f%leaves}fate" ] || echo "$f"; done)" ]
}

no_records() {
	[ -z "$(find /var/lib/domfs -name '*backup-*')" ]
}

begun() {
	! no_records
}

# restart: guest and libvirtd
restart() {
	virsh -q destroy web
	stop_libvirtd
	start_libvirtd
	soon ls "$backups"
	virsh -q start web
}

mkdir "$backups/full..a"
cat "$backups/full..a"/*.qcow2 > /dev/null
rmdir "$backups/full..a"
there a

# Another process has the image open as the guest goes off: what b left is in it, until that lets it go.
mkdir "$backups/a..b"
python3 - "$tmp/a.qcow2" <<-'END' & holder=$!
	import fcntl, os, struct, sys, time
	fd = os.open(sys.argv[1], os.O_RDONLY)
	fcntl.fcntl(fd, 37, struct.pack("hhqqhxxxxxx", fcntl.F_RDLCK, 0, 100, 200, 0))    # F_OFD_SETLK, as QEMU's own readers do
	time.sleep(1000)
	END
sleep 1
virsh -q destroy web
soon grep -q ended "$backups/a..b/type"
is "ended: the guest was turned off" "$(sed -n 2p "$backups/a..b/type")"
sleep 1.5
fails settled
fails rmdir "$backups/a..b"
is "a..b"                       "$(ls "$backups")"
fails sh -c "echo 1 > '$backups/a..b/keep'"             # too late
kill $holder
soon settled
there a
rmdir "$backups/a..b"
no_records

# libvirtd is down as QEMU dies
virsh -q start web
mkdir "$backups/full..b"
qemu=$(cat /run/libvirt/qemu/web.pid)
stop_libvirtd -KILL
kill -KILL $qemu
sleep 1
start_libvirtd
soon grep -q ended "$backups/full..b/type"
soon settled
is "a"                          "$(virsh checkpoint-list web --name | xargs)"
rmdir "$backups/full..b"
rmdir "$mnt/web/checkpoints/a"
virsh -q start web
there
mkdir "$backups/full..a"
cat "$backups/full..a"/*.qcow2 > /dev/null
rmdir "$backups/full..a"
there a

# libvirtd dies while mkdir waits for it
for i in $(seq 6); do
	mkdir "$backups/a..b" 2>/dev/null & making=$!
	sleep 0.0$((RANDOM % 10))
	stop_libvirtd -KILL
	sleep 0.2
	start_libvirtd
	wait $making && made=0 || made=1
	if [ $made = 0 ]; then
		there a b
		soon test -r "$backups/a..b/type"
		echo cancel > "$mnt/web/job"
		soon rmdir "$backups/a..b"
	fi
	soon no_records
	echo "libvirtd killed in mkdir, round $i: $([ $made = 0 ] && echo made || echo not made), $(virsh checkpoint-list web --name | xargs), $(bitmaps)"
	there a
	virsh -q domjobinfo web > /dev/null 2>&1 || restart      # see below
	is None "$(virsh domjobinfo web | sed -n 's/Job type: *\([A-Za-z]*\) *$/\1/p')"
done

# If it dies at one moment of that, it holds a job for good that it knows nothing of, and each other client waits for half
# a minute in vain: not here.
stop_libvirtd
sed -i "s#^  <devices>#  <job type='none' async='backup' flags='0x0' asyncStarted='1'/>&#" /run/libvirt/qemu/web.xml
start_libvirtd
soon ls "$backups"
is "error: internal error: backup job data missing" "$(virsh -q domjobinfo web 2>&1)"
within 2 says "web is busy: backup of a killed libvirtd: stop the guest, then restart libvirtd; wait, or see its file job" mkdir "$backups/a..b"
within 2 grep -q "a killed libvirtd" "$mnt/web/job"
restart
mkdir "$backups/a..b"
echo cancel > "$mnt/web/job"
rmdir "$backups/a..b"
there a

# domfs dies in mkdir while QEMU is stopped: libvirtd goes on with it when nobody waits for it any more.
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP $qemu
mkdir "$backups/full..b" 2>/dev/null & making=$!
soon begun
sleep 0.5
unmount -KILL
wait $making || :
mount_domfs qemu:///system
is ""                           "$(ls "$backups")"
kill -CONT $qemu
soon no_records
there a

# The caller may go: ^C. Who was told EINTR finds nothing made; who was killed after it was made, all of it.
quietly() { ( "$@" ); }
for i in $(seq 8); do
	said=$(cat "$mnt/web/error")
	timeout -s INT 0.0$((RANDOM % 9 + 1)) mkdir "$backups/a..b" || :
	sleep 0.3
	if [ "$(cat "$mnt/web/error")" = "$said" ] && [ -d "$backups/a..b" ]; then
		echo cancel > "$mnt/web/job"
		soon rmdir "$backups/a..b"
	fi
	soon no_records
	soon quietly there a
done
proves "death: what became of a range is found out later, if nobody can be asked now"
