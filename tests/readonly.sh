#!/bin/bash
# Mounted read-only all can be read and nothing be changed, whoever asks.
. tests/lib.sh
export FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake -o ro
cd "$mnt/alpha"
printf 'make alpha %s\n' "snapshots one" "snapshots two" "backups b" > "$tmp/other"
sleep 0.5

is "one two"    "$(ls -C snapshots | xargs)"
cmp backups/b/vda.raw backups/b/vdb.raw
rsync -a . "$tmp/copy"
for refused in "mkdir snapshots/new" "mkdir backups/new" "mkdir new" "rmdir snapshots/one" "rmdir backups/b" \
	       "mv snapshots/one current/" "mv -T snapshots/one snapshots/new" "rm state" "touch new" "chmod 600 state" \
	       "chown 1 state" "touch state" "truncate -s 0 state" "rm -rf snapshots/one" "ln state new"; do
	! said=$($refused 2>&1) || { echo "should fail: $refused"; exit 1; }
	is "Read-only file system" "${said##*: }"
done
for file in state job options/memory snapshots/one/description; do
	is "bash: line 1: $file: Read-only file system" "$(bash -c "echo running > $file" 2>&1)"
done
fails find snapshots -delete
fails python3 -c 'import shutil; shutil.rmtree("snapshots")'
is "one two|b|two" "$(echo $(ls snapshots)"|"$(ls backups)"|"$(ls current))"
is "running"    "$(cat state)"
mount -i -o remount,rw "$mnt"                           # the kernel lets it through then
if mkdir snapshots/new 2> "$tmp/said"; then
	echo "changed what was mounted read-only"
	exit 1
fi
fails bash -c 'echo yes > options/memory'
is "one two"    "$(ls -C snapshots | xargs)"
cd /
