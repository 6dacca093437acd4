#!/bin/bash
# Backup tools copy files of every kind whole, and find no change where there is none, nor after the next mount.
. tests/lib.sh
export FAKE_STATE=$tmp/state RESTIC_REPOSITORY=$tmp/restic RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$tmp/cache
mount_fake -o cache=0.1
mkdir "$mnt/alpha/snapshots/one" "$mnt/alpha/snapshots/two" "$mnt/alpha/backups/b"
echo hello > "$mnt/alpha/snapshots/one/description"
cd "$mnt"

# texts: each tool copies what cat shows, with its size
find . -type f ! -name '*.raw' ! -name job > "$tmp/texts"
[ "$(wc -l < "$tmp/texts")" -gt 30 ]
rsync -a --exclude=job . "$tmp/rsync"
cp -r . "$tmp/cp"
tar --exclude=job -cSf "$tmp/tar" .
mkdir "$tmp/untarred"
tar -xf "$tmp/tar" -C "$tmp/untarred"
while read -r file; do
	cat "$file" > "$tmp/text"
	is "$(stat -c %s "$file")" "$(stat -c %s "$tmp/text")"
	for copy in rsync cp untarred; do
		cmp "$tmp/text" "$tmp/$copy/$file"
	done
done < "$tmp/texts"
is "$(stat -c %s alpha/job)" "$(cat alpha/job | wc -c)"
cmp alpha/backups/b/vda.raw "$tmp/untarred/alpha/backups/b/vda.raw"

new() {
	rsync -ani --exclude=job --delete "$1/" "$2/"
}
is ""           "$(new . "$tmp/rsync")"
sleep 0.3
is ""           "$(new . "$tmp/rsync")"
tar --exclude=job --compare -f "$tmp/tar"               # as it was then
find . -newer "$tmp/tar" ! -name job > "$tmp/newer"
is ""           "$(cat "$tmp/newer")"
echo bye > alpha/snapshots/one/description
mkdir alpha/snapshots/three
sleep 0.3
for change in '>f\..*t.* alpha/snapshots/one/description' 'cd+++.* alpha/snapshots/three/' '.*d.* alpha/snapshots/' \
	      '>f.* alpha/tree' '>f+++.* alpha/snapshots/three/snapshot.xml'; do
	new . "$tmp/rsync" | grep -q "^$change$" || { echo "not seen: $change"; exit 1; }
done
rsync -a --exclude=job --delete ./ "$tmp/rsync/"
is ""           "$(new . "$tmp/rsync")"

# restic compares size, times and inode
changed() {
	restic backup --quiet --json --exclude=job "$@" | tail -1 | tr , '\n' | sed -n 's/.*"\(files_[nc][a-z]*\|data_added\)":/\1 /p' | xargs
}
if command -v restic > /dev/null; then
	restic init --quiet
	changed . > /dev/null
	sleep 0.3
	is "files_new 0 files_changed 0 data_added 0"   "$(changed .)"
fi

# another mount, at the same place: what is of a moment is as it was
cd "$mnt/alpha/backups/b"
stable() {
	find "$mnt/alpha/backups/b" -printf '%p %i %s %b %T@ %C@ %m %U %G\n' | grep -v '/type ' | sort
}
before=$(stable)
changed . > /dev/null
cd /
unmount
mount_fake -o cache=0.1
cd "$mnt/alpha/backups/b"
is "$before"    "$(stable)"
! command -v restic > /dev/null || is "files_new 0 files_changed 0" "$(changed --exclude=type . | cut -d' ' -f1-4)"
is ""           "$(new . "$tmp/rsync/alpha/backups/b" | grep -v ' type$' || :)"
cd /
