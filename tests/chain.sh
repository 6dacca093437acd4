#!/bin/bash
# Ten increments of a disk beyond 4 TiB, with writes, discards and zeroes in between: each is the disk as it was then.
export TMPDIR=/dev/shm                                  # not every file system holds a file of 4 TiB
. tests/lib.sh
export FAKE_DISK=$tmp/disk FAKE_DIRTY=$tmp/dirty
truncate -s $((4 * 1024 * 1024 * 1024 * 1024 + 300000 * 512)) "$tmp/disk" || skip "no file of 4 TiB in $TMPDIR"

# change SEED: write, discard and zero something, and note where
change() {
	rm -f "$tmp/dirty"
	truncate -s "$(stat -c %s "$tmp/disk")" "$tmp/dirty"
	python3 - "$1" <<'END_OF_PYTHON'
import ctypes, os, random, sys
random.seed(int(sys.argv[1]))
libc = ctypes.CDLL(None, use_errno=True)
disk, dirty = (os.open(os.environ[name], os.O_RDWR) for name in ("FAKE_DISK", "FAKE_DIRTY"))
size = os.fstat(disk).st_size
places = [random.randrange(size) for _ in range(8)] + [0, size - 40000, 1 << 42, (1 << 42) - 40000]
for place in places + places[:4]:                       # and once more close by
    at = min(size - 40000, place // 4096 * 4096 + random.choice((0, 0, 65536, 200704)))
    n = min(size - at, random.choice((4096, 40000, 65536, 300000)))
    what = random.choice(("write", "write", "discard", "zero"))
    if what == "discard":
        assert libc.fallocate(disk, 3, ctypes.c_long(at), ctypes.c_long(n)) == 0        # KEEP_SIZE, PUNCH_HOLE
    else:
        os.pwrite(disk, os.urandom(n) if what == "write" else bytes(n), at)
    os.pwrite(dirty, b"x" * n, at)
END_OF_PYTHON
}

# preads FILE COPY: any bytes, in any order
preads() {
	python3 - "$1" "$2" <<'END_OF_PYTHON'
import os, random, sys
one, other = (os.open(path, os.O_RDONLY) for path in sys.argv[1:])
size = os.fstat(one).st_size
assert size == os.fstat(other).st_size
for _ in range(300):
    at, n = random.randrange(size), random.choice((1, 511, 4096, 65536, 200001))
    assert os.pread(one, n, at) == os.pread(other, n, at), (at, n)
END_OF_PYTHON
}

# backup NAME FILE COPY...: copy vda by that command
backup() {
	local name=$1 file=$2; shift 2
	mkdir "backups/$name"
	size=$(stat -c %s "backups/$name/$file")
	is "$size" "$(($(stat -c %b "backups/$name/$file") * 512))"
	"$@" "backups/$name/$file" "$tmp/$file"
	is "$size" "$(stat -c %s "$tmp/$file")"
	preads "backups/$name/$file" "$tmp/$file"
	qemu-img check -q "$tmp/$file"
	qemu-img compare -q -f raw -F qcow2 "$tmp/disk" "$tmp/$file"
	echo 1 > "backups/$name/keep"                   # vdb is the same
	rmdir "backups/$name"
}
odd_dd() { dd if="$1" of="$2" bs=12345 status=none; }
direct_dd() { dd if="$1" of="$2" bs=1M iflag=direct status=none; }

mount_fake
cd "$mnt/alpha"
change 0
backup full..0 vda.0.qcow2 cp
last=0
for copy in cp odd_dd 'rsync -S' direct_dd 'cp --sparse=always' cp odd_dd 'rsync' cp cp; do
	now=$((last + 1))
	change $now
	backup $last..$now vda.$now.qcow2 $copy
	last=$now
done
is "vda.9.qcow2" "$(qemu-img info "$tmp/vda.10.qcow2" | sed -n 's/^backing file: \([^ ]*\).*/\1/p')"

mkdir backups/now                                       # by whom the file is read matters as little
qemu-img check -q backups/now/vda.qcow2
qemu-img compare -q -f qcow2 -F qcow2 backups/now/vda.qcow2 "$tmp/vda.10.qcow2"
qemu-img convert -f qcow2 -O qcow2 backups/now/vda.qcow2 "$tmp/converted"
qemu-img compare -q -f raw -F qcow2 "$tmp/disk" "$tmp/converted"

exec 3< backups/now/vda.qcow2
echo cancel > job
fails head -c 4096 <&3                                  # not even its header
exec 3<&-
