#!/bin/bash
# Snapshots have the bytes of their disks as they were then: the right ones, or none.
. tests/vm.sh
image base.qcow2 qcow2 32M
qemu-io -f qcow2 -c 'write -P 1 1M 3M' "$tmp/base.qcow2" > /dev/null
image web.qcow2 qcow2 64M -b "$tmp/base.qcow2" -F qcow2
start web "$(disk vda virtio qcow2 web.qcow2)"
snapshots=$mnt/web/snapshots

# images: how many are served
images() {
	ls -d /run/domfs/frozen-* 2> /dev/null | wc -l
}

# comes TRUE-COMMAND...: within ten seconds
comes() {
	for _ in $(seq 200); do "$@" && return; sleep 0.05; done
	echo "does not come: $*"
	exit 1
}

no_images() {
	[ "$(images)" = 0 ]
}

mount_domfs qemu:///system
guest_writes web vda 5M 8M 2
one=$(content web vda)
mkdir "$snapshots/one"
guest_writes web vda 6M 4M 3
guest_writes web vda 40M 1M 3
two=$(content web vda)
mkdir "$snapshots/two"
guest_writes web vda 0 16M 4

# To look starts nothing.
is "description snapshot.xml state vda.raw" "$(ls "$snapshots/one" | xargs)"
is "67108864 131071" "$(stat -c '%s %b' "$snapshots/one/vda.raw")"
is 0            "$(images)"

# The guest runs and writes, the bytes are those of then, and holes are holes.
(while [ ! -e "$tmp/stop" ]; do guest_writes web vda $((RANDOM % 60))M 1M $((RANDOM % 250 + 5)); done) & writer=$!
cp "$snapshots/one/vda.raw" "$tmp/one" & copies=$!
cp "$snapshots/two/vda.raw" "$tmp/two" & copies="$copies $!"
cp "$mnt/web/current/two/vda.raw" "$tmp/twin" & copies="$copies $!"
for copy in $copies; do wait "$copy"; done
is "$one"       "$(sha256sum < "$tmp/one")"
is "$two"       "$(sha256sum < "$tmp/two")"
is "$two"       "$(sha256sum < "$tmp/twin")"
[ "$(stat -c %b "$tmp/one")" -lt 40000 ]
comes no_images

# Deleted by another client while eight read: right or EIO.
cat > "$tmp/reader.py" <<'END'
import errno, os, random, sys, threading
image, copy = (os.open(path, os.O_RDONLY) for path in sys.argv[1:3])
size, wrong, failed, good = os.fstat(copy).st_size, [], set(), set()
def read(seed):
    r = random.Random(seed)
    while True:
        at, n = r.randrange(size - 300000), r.randrange(1, 300000)
        try:
            if os.pread(image, n, at) != os.pread(copy, n, at):
                wrong.append(at)
            good.add(seed)
            if len(good) == 8:
                open(sys.argv[3], 'w').close()
        except OSError as e:
            if e.errno != errno.EIO:
                wrong.append(e)
            failed.add(seed)
            return
threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert not wrong, wrong
print(len(failed))
END
touch "$tmp/stop"
wait $writer
python3 "$tmp/reader.py" "$snapshots/one/vda.raw" "$tmp/one" "$tmp/reading" > "$tmp/failed" & reader=$!
comes test -e "$tmp/reading"
rm "$tmp/reading"
virsh -q snapshot-delete web one > /dev/null
guest_writes web vda 0 60M 9
guest_writes web vda 0 60M 10
wait $reader
is 8            "$(cat "$tmp/failed")"

# So it is after a revert, and with one of the same name.
fails rmdir "$snapshots/two" 3< "$snapshots/two/vda.raw"
python3 "$tmp/reader.py" "$snapshots/two/vda.raw" "$tmp/two" "$tmp/reading" > "$tmp/failed" & reader=$!
comes test -e "$tmp/reading"
virsh -q snapshot-revert web two
guest_writes web vda 0 60M 11
sleep 0.5
kill -0 $reader
virsh -q snapshot-delete web two > /dev/null
two=$(content web vda)
virsh -q snapshot-create-as web two > /dev/null
guest_writes web vda 0 60M 12
wait $reader
is 8            "$(cat "$tmp/failed")"
comes no_images

# Off, reading holds back no start.
virsh -q destroy web > /dev/null
exec 3< "$snapshots/two/vda.raw"
head -c 1M <&3 > /dev/null
echo running > "$mnt/web/state"
guest_writes web vda 0 60M 13
exec 3<&-
sleep 1.1                                       # the new one is another, and the list of them is kept for a second
is "$two"       "$(sha256sum < "$snapshots/two/vda.raw")"

# Nothing stays of a domfs that dies.
exec 3< "$snapshots/two/vda.raw"
head -c 1M <&3 > /dev/null
daemon=$(cat /run/domfs/frozen-*/pid)
kill -0 "$daemon"
unmount -KILL
exec 3<&-
gone() { ! kill -0 "$daemon" 2> /dev/null; }
comes gone
mount_domfs qemu:///system
is 0            "$(images)"

# External: the frozen file is read, under the guest too, and cannot be merged meanwhile.
domain=db
image db.qcow2 qcow2 32M
image db.raw raw 16M
start db "$(disk vda virtio qcow2 db.qcow2)$(disk vdb virtio raw db.raw)"
guest_writes db vda 1M 1M 7
guest_writes db vdb 1M 1M 8
vda=$(content db vda) vdb=$(content db vdb)
virsh -q snapshot-create-as db cold --disk-only --diskspec "vda,file=$tmp/db.over" --diskspec "vdb,file=$tmp/db.rover" > /dev/null
guest_writes db vda 1M 3M 9
guest_writes db vdb 1M 3M 9
cold=$mnt/db/snapshots/cold
is "$vda"       "$(sha256sum < "$cold/vda.raw")"
is "$vdb"       "$(sha256sum < "$cold/vdb.raw")"
exec 3< "$cold/vdb.raw"
says "vdb.raw is open in $(cat /proc/$$/comm), pid $$" rmdir "$cold"
fails virsh -q snapshot-delete db cold
is "$vdb"       "$(sha256sum <&3)"
exec 3<&-
comes no_images
virsh -q snapshot-delete db cold > /dev/null
virsh -q snapshot-create-as db cold --disk-only --diskspec "vda,file=$tmp/db.over2" --diskspec vdb,snapshot=no > /dev/null
sleep 1.1
is "description snapshot.xml state vda.raw" "$(ls "$cold" | xargs)"

# What is written to again is frozen no longer.
virsh -q blockcommit db vda --active --pivot > /dev/null
sleep 1.1
is "description snapshot.xml state" "$(ls "$cold" | xargs)"
proves "snapshot: the disks as they were then"
