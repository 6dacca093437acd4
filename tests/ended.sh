#!/bin/bash
# From the moment a backup ends otherwise, its images are EIO for good: what was asked before, and what was read before.
. tests/lib.sh
export FAKE_OTHER=$tmp/other FAKE_HANG=$tmp/hang
mkfifo "$tmp/other"
mount_fake
cd "$mnt/alpha"
# begin: backup b, of whose image some is read, by read and by a private map
begin() {
	mkdir backups/b
	exec 3< backups/b/vda.raw
	head -c 8192 <&3 | cmp -n 8192 - backups/b/vdb.raw
}
all_is_eio() {
	python3 - backups/b/vda.raw <<'END_OF_PYTHON'
import errno, os, sys
def is_eio(path, at):
    try:
        os.pread(os.open(path, os.O_RDONLY) if path else 3, 1, at)
    except OSError as e:
        return e.errno == errno.EIO
for at in 0, 4096, 8191, 1 << 20, 8389119:
    assert is_eio(None, at)
    assert is_eio(sys.argv[1], at)
assert os.fstat(3).st_size == 8389120 == os.stat(sys.argv[1]).st_size
END_OF_PYTHON
	is "cat: backups/b/vdb.raw: Input/output error" "$(cat backups/b/vdb.raw 2>&1)"
	is "ended: $1"          "$(sed -n 2p backups/b/type)"
	is "backup.xml domain.xml type vda.raw vdb.raw" "$(ls -C backups/b | xargs)"    # it stays until rmdir
	grep -q '<name>alpha' backups/b/domain.xml
}

begin
echo cancel > job
all_is_eio cancelled
mkdir backups/c                                         # the domain is free for the next one
is "none"                       "$(echo cancel > job; cat job)"
rmdir backups/b backups/c                               # and this is cleared away, though it is open
fails cat <&3
exec 3<&-

begin
echo state > options/force
echo destroyed > state
all_is_eio "the guest was turned off"
rmdir backups/b
exec 3<&-
echo running > state

begin
echo "cancel alpha backups b" > "$tmp/other"            # by another client
sleep 0.3
all_is_eio cancelled
rmdir backups/b
exec 3<&-

begin
echo images > "$FAKE_HANG"
cat <&3 > "$tmp/late" 2> "$tmp/said" & reader=$!
sleep 0.3
echo cancel > job                                       # while a read is on its way
rm "$FAKE_HANG"
fails wait $reader
is "cat: -: Input/output error" "$(cat "$tmp/said")"
is 0                            "$(stat -c %s "$tmp/late")"
all_is_eio cancelled
exec 3<&-
rmdir backups/b

mkdir backups/b                                         # and what was mapped
r=0; python3 - 2> /dev/null <<'END_OF_PYTHON' || r=$?
import mmap, os, time
map = mmap.mmap(os.open("backups/b/vda.raw", os.O_RDONLY), 8192, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
assert map[:4] == b"0123"
open("job", "w").write("cancel")
time.sleep(0.5)
map[:4]
END_OF_PYTHON
is $((128 + $(kill -l BUS))) "$r"
rmdir backups/b
is ""                           "$(ls backups)"
cd /
