#!/bin/bash
# Where the daemon or its hypervisor is dead a copy of the tree survives: there is no empty directory to see.
. tests/lib.sh
export FAKE_GONE=$tmp/gone FAKE_HANG=$tmp/hang
# copy EXPECTED-STATUS: of the whole tree; what is not there any more is deleted
copy() {
	r=0
	rsync -aI --delete "$mnt/" "$tmp/good/" > "$tmp/said" 2>&1 || r=$?
	is "$1" "$r"
}
good() {
	(cd "$tmp/good"; find . ! -path ./.domfs/errors ! -name job -type f -exec md5sum {} + | sort -k2)
}

mount_fake -o cache=1
mkdir "$mnt/alpha/snapshots/one" "$mnt/alpha/backups/now"
copy 0
before=$(good)
[ "$(good | wc -l)" -gt 30 ]

touch "$tmp/gone"                                       # the hypervisor is away
sleep 1.2
copy 23
grep -q 'Transport endpoint is not connected' "$tmp/said"
diff <(echo "$before") <(good)
for directory in . alpha alpha/snapshots alpha/snapshots/one alpha/current alpha/backups beta/snapshots; do
	is "ls: cannot access '$mnt/$directory': Transport endpoint is not connected" "$(ls "$mnt/$directory" 2>&1)"
done
fails cat "$mnt/alpha/state"
fails find "$mnt/alpha"
rm "$tmp/gone"
sleep 1.2
ls "$mnt/alpha/snapshots" > /dev/null
sleep 0.7
cd "$mnt/alpha/current"                                 # which is known for longer than what is in it
touch "$tmp/gone"
sleep 0.6
! said=$(ls 2>&1)
is "Transport endpoint is not connected" "${said##*: }"
cd /
rm "$tmp/gone"
sleep 1.2
copy 0                                                  # and comes back
before=$(good)

echo images > "$FAKE_HANG"                              # in the midst of a file
rsync -aI --delete "$mnt/" "$tmp/good/" > "$tmp/said" 2>&1 & rsync=$!
sleep 1
unmount_keeping_the_mount() { kill -KILL "$pid"; { wait "$pid" || :; } 2>/dev/null; pid=; }
unmount_keeping_the_mount
r=0; wait $rsync || r=$?
is 23           "$r"
grep -q 'Transport endpoint is not connected\|Software caused connection abort' "$tmp/said"
diff <(echo "$before") <(good)
mountpoint -q "$mnt" || stat "$mnt" 2>&1 | grep -q 'Transport endpoint is not connected'        # it is still mounted

copy 23                                                 # and once more, from nothing but a dead mount
diff <(echo "$before") <(good)
umount "$mnt"
rm "$FAKE_HANG"
mount_fake -o cache=1                                              # which the next one takes over
is "alpha beta" "$(ls -C "$mnt" | xargs)"
