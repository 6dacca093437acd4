#!/bin/bash
# However a backup ends, nobody reads a byte of another time: each copy is right, or fails.
. tests/vm.sh
libvirtd_is_killed
image a.qcow2 qcow2 64M
image b.qcow2 qcow2 8M
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio qcow2 b.qcow2)"
mount_domfs qemu:///system
backups=$mnt/web/backups

# ended BACKUP WHY: it stays and says so, its images are EIO, and the domain is free
ended() {
	for _ in $(seq 100); do ! grep -qs ended "$backups/$1/type" || break; sleep 0.1; done
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

# The same, while the guest writes what it has not written since mkdir: libvirt ends the job before it stops the server,
# and what is read in between is what the guest has written. Without a look at the job afterwards, 4 of 10 rounds show it.
image race.qcow2 qcow2 8M
domain_xml race qemu 32 "" "$(disk vda virtio qcow2 race.qcow2)" |
	sed "s#<domain #&xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' #
	     s#</domain>#<qemu:commandline><qemu:arg value='-qmp'/>\
			 <qemu:arg value='unix:$tmp/scratch/qmp,server=on,wait=off'/></qemu:commandline>&#" > "$tmp/race.xml"
mkdir -m 777 "$tmp/scratch"                             # QEMU makes its socket there
virsh -q define "$tmp/race.xml"
virsh -q start race
cat > "$tmp/race.py" <<-'END'
	import json, os, random, socket, subprocess, sys, threading, time
	image, monitor, device = sys.argv[1:]
	fd, right = os.open(image, os.O_RDONLY), bytes([1]) * (1 << 20)
	def read():
	    try:
	        while True:
	            data = b""
	            while len(data) < len(right):               # the kernel may cut a read in two
	                data += os.pread(fd, len(right) - len(data), len(data))
	            sys.stdout.write("right\n" if data == right else "wrong\n")
	    except OSError:
	        pass
	readers = [threading.Thread(target=read) for i in range(3)]
	qmp = socket.socket(socket.AF_UNIX)
	qmp.connect(monitor)
	lines = qmp.makefile("rw")
	lines.readline()
	def execute(command, **arguments):
	    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
	    lines.flush()
	    while not {"return", "error"} & json.loads(lines.readline()).keys():
	        pass
	execute("qmp_capabilities")
	for reader in readers: reader.start()
	time.sleep(0.7)
	abort = subprocess.Popen(["virsh", "-q", "domjobabort", "race"])
	time.sleep(random.random() * 0.02)
	for i in range(16):
	    execute("human-monitor-command", **{"command-line": f'qemu-io -d {device} "write -P 7 {i << 16} 64k"'})
	    time.sleep(0.0005)
	abort.wait()
	for reader in readers: reader.join()
END
for i in $(seq 25); do
	guest_writes race vda 0 1M 1
	mkdir "$mnt/race/backups/race"
	python3 "$tmp/race.py" "$mnt/race/backups/race/vda.raw" "$tmp/scratch/qmp" "$(qdev race vda)" >> "$tmp/race"
	rmdir "$mnt/race/backups/race"
done
sort "$tmp/race" | uniq -c
is "" "$(grep -v right "$tmp/race" || :)"
[ "$(wc -l < "$tmp/race")" -ge 25 ]

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
for _ in $(seq 100); do [ ! -r "$backups/on/type" ] || break; sleep 0.1; done
is "pull" "$(sed -n 2p "$backups/on/type")"

# The user ends it
exec 3< "$backups/on/vda.raw"
echo cancel > "$mnt/web/job"
fails cat <&3
exec 3<&-
ended on "cancelled"
mkdir "$backups/next"
rmdir "$backups/on" "$backups/next"
proves "backup: pull, right bytes or an error however it ends"
