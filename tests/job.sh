#!/bin/bash
# `job` tells how much of a backup was answered, of what there is to read, by whichever of its files.
. tests/lib.sh
export FAKE_DISK=$tmp/disk FAKE_DIRTY=$tmp/disk
truncate -s 40000512 "$tmp/disk"
head -c 4000000 /dev/urandom | dd of="$tmp/disk" bs=1M seek=3 conv=notrunc status=none
mount_fake
cd "$mnt/alpha"

# of LINE: the number there
of() {
	sed -n "s/^$1  *//p" job
}

mkdir backups/one
size=$(stat -c %s job)
total=$(($(stat -c %b backups/one/vda.raw) * 512 + $(stat -c %b backups/one/vdb.raw) * 512))
is "0 0"                "$(of percent) $(of bytes)"
[ "$(of total)" -le "$total" ] && [ "$(of total)" -gt $((total - 1024)) ]

head -c 5000000 backups/one/vda.raw > /dev/null                 # the first 3 MiB are a hole
some=$(of bytes)
[ "$some" -ge $((5000000 - 3 * 1048576)) ] && [ "$some" -lt 3000000 ]
is $((some * 100 / $(of total)))        "$(of percent)"
head -c 5000000 backups/one/vda.raw > /dev/null                 # nobody gets further by reading it twice
is "$some"              "$(of bytes)"

cat backups/one/vda.raw > /dev/null
cat backups/one/vda.qcow2 > /dev/null                           # the same disk as another file
[ "$(of percent)" -lt 60 ]
cat backups/one/vdb.raw > /dev/null
is "100 $(of total)"    "$(of percent) $(of bytes)"
is "$size"              "$(stat -c %s job)"

mkdir backups/two                                               # each counts for itself
is "100 0"              "$(of percent | xargs)"
rmdir backups/one backups/two

mkdir backups/full..b
is "0"                  "$(of percent)"
cat backups/full..b/vd*.qcow2 > /dev/null
is "100 $(cat backups/full..b/*.qcow2 | wc -c)" "$(of percent) $(of bytes)"
rmdir backups/full..b
cd /
