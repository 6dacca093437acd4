#!/bin/bash
# Holes of a disk are holes of its image, by st_blocks and by lseek, so cp and tar copy what there is and no more.
. tests/lib.sh
export FAKE_DISK=$tmp/disk
# disk SIZE [BLOCK]...: one with 64 KiB of data at each
disk() {
	rm -f "$tmp/disk"
	truncate -s "$1" "$tmp/disk"; shift
	for at; do
		head -c 65536 /dev/urandom | dd of="$tmp/disk" bs=64k seek="$at" conv=notrunc status=none
	done
}
map() {
	python3 - "$1" <<'END_OF_PYTHON'
import errno, os, sys
fd, at = os.open(sys.argv[1], os.O_RDONLY), 0
try:
    while True:
        data = os.lseek(fd, at, os.SEEK_DATA)
        at = os.lseek(fd, data, os.SEEK_HOLE)
        print(data, at)
except OSError as e:
    print(errno.errorcode[e.errno], "after", at)
END_OF_PYTHON
}
bytes_answered() {
	sed -n 's/^wchar: //p' /proc/$pid/io
}
copies() {
	rm -rf "$tmp/out" "$tmp/tar"
	mkdir "$tmp/out"
	cp "$image" "$tmp/out/cp"
	tar -cSf "$tmp/tar" -C "$(dirname "$image")" vda.raw
	tar -xSf "$tmp/tar" -C "$tmp/out"
	cmp "$tmp/disk" "$tmp/out/cp"
	cmp "$tmp/disk" "$tmp/out/vda.raw"
}
image=$mnt/alpha/backups/b/vda.raw

disk 1G 0 7 8 1000 16383                                # its last bytes are data
mount_fake
mkdir "$mnt/alpha/backups/b"
is "$(stat -c '%s %b' "$tmp/disk")"     "$(stat -c '%s %b' "$image")"
is "$(map "$tmp/disk")"                 "$(map "$image")"
answered=$(bytes_answered)
copies
[ $(($(bytes_answered) - answered)) -lt 4000000 ]       # what there is, twice, and not 2 GiB of zeroes
[ "$(stat -c %b "$tmp/out/cp")" -le "$(stat -c %b "$tmp/disk")" ]
[ "$(stat -c %s "$tmp/tar")" -lt 1000000 ]
cp --sparse=never "$image" "$tmp/out/all"
cmp "$tmp/disk" "$tmp/out/all"
rm -r "$tmp/out"
rmdir "$mnt/alpha/backups/b"

disk 3000001 0 20                                       # a hole at its end, which is no multiple of anything
mkdir "$mnt/alpha/backups/b"
is "$(map "$tmp/disk")"                 "$(map "$image")"
copies
python3 - "$tmp/disk" "$image" <<'END_OF_PYTHON'        # any bytes, in any order
import os, random, sys
disk, image = (os.open(path, os.O_RDONLY) for path in sys.argv[1:])
random.seed(1)
for _ in range(2000):
    at, n = random.randrange(3100000), random.choice((1, 511, 4096, 65536, 200001))
    assert os.pread(disk, n, at) == os.pread(image, n, at), (at, n)
END_OF_PYTHON
rmdir "$mnt/alpha/backups/b"

disk 5M                                                 # nothing: only then are there no blocks, or tar would store nothing
mkdir "$mnt/alpha/backups/b"
is "5242880 0"                          "$(stat -c '%s %b' "$image")"
is "ENXIO after 0"                      "$(map "$image")"
copies
rmdir "$mnt/alpha/backups/b"

disk 5M 40
mkdir "$mnt/alpha/backups/b"
is "5242880 128"                        "$(stat -c '%s %b' "$image")"
copies
rmdir "$mnt/alpha/backups/b"

head -c 262144 /dev/urandom > "$tmp/disk"               # no hole at all
mkdir "$mnt/alpha/backups/b"
is "262144 512"                         "$(stat -c '%s %b' "$image")"
copies
