#!/bin/bash
# The checkpoint that a backup leaves stays only if nothing of it is missing.
. tests/lib.sh
export FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake
cd "$mnt/alpha"
out=$tmp/out

# with "what reads it": is all of it stored, then?
kept() {
	rm -rf "$out"
	mkdir "$out" backups/full..b
	eval "$1" > /dev/null
	rmdir backups/full..b && echo yes || { echo cancel > job; rmdir backups/full..b; echo no; }
	rmdir checkpoints/b || :
} 2>/dev/null

is yes  "$(kept 'cp backups/full..b/* $out')"
is yes  "$(kept 'cp -r backups/full..b $out')"
is yes  "$(kept 'rsync -a backups/full..b/ $out')"
is yes  "$(kept 'tar -cSf $out/tar backups/full..b')"
is yes  "$(kept 'cat backups/full..b/vd*.qcow2')"
is yes  "$(kept 'cp backups/full..b/vda.raw backups/full..b/vdb.raw $out')"             # over its holes
is yes  "$(kept 'cp backups/full..b/vda.raw backups/full..b/vdb.b.qcow2 $out')"
is yes  "$(kept 'for i in a b; do qemu-img convert -O raw -f raw backups/full..b/vd$i.raw $out/x; done')"
is yes  "$(kept 'for i in a b; do qemu-img convert -O qcow2 backups/full..b/vd$i.b.qcow2 $out/x; done')"
is yes  "$(kept 'restic -q -r $out/r --password-command "echo x" init && restic -q -r $out/r --password-command "echo x" --no-cache backup backups/full..b')"
is yes  "$(kept 'rsync -aS backups/full..b/ $out')"
is yes  "$(kept 'for i in a b; do tac backups/full..b/vd$i.b.qcow2 | tail -1; done')"
is no   "$(kept :)"
is no   "$(kept 'for i in a b; do cat backups/full..b/vd$i.b.qcow2 | head -c 100; done')"
is no   "$(kept 'for i in a b; do dd if=backups/full..b/vd$i.b.qcow2 bs=64K skip=1; done')"    # without its header
is no   "$(kept 'cp backups/full..b/vda* $out')"
is no   "$(kept 'cp backups/full..b/*.xml $out')"
is no   "$(kept 'head -c 1000000 backups/full..b/vda.b.qcow2; cat backups/full..b/vdb*')"
is no   "$(kept 'tail -c 1000 backups/full..b/vda.b.qcow2; tail -c 1000 backups/full..b/vdb.b.qcow2')"
is yes  "$(kept 'echo 1 > backups/full..b/keep')"

mkdir backups/full..c                                       # its job ends behind our back: read, or not
echo "cancel alpha backups full..c" > "$tmp/other"
sleep 0.3
is ""                   "$(ls checkpoints)"
fails cat backups/full..c/keep
rmdir backups/full..c
mkdir backups/full..c                                       # cancelled, but kept: until somebody thinks better of it
echo yes > backups/full..c/keep
is "1"                  "$(cat backups/full..c/keep)"
echo cancel > job
rmdir backups/full..c
is "c"                  "$(ls checkpoints)"
rmdir checkpoints/c
mkdir backups/full..c
echo 1 > backups/full..c/keep
echo 0 > backups/full..c/keep
fails rmdir backups/full..c
echo cancel > job
rmdir backups/full..c
is ""                   "$(ls checkpoints)"
mkdir backups/full..d
cp backups/full..d/* "$out"
exec 3< backups/full..d/vda.d.qcow2
head -c 1 <&3 > /dev/null
echo "cancel alpha backups full..d" > "$tmp/other"
sleep 0.3
is "d"                  "$(ls checkpoints)"
fails python3 -c 'import os; os.pread(3, 1, 0)'         # not even what was read before
is "ended: cancelled"   "$(sed -n 2p backups/full..d/type)"
exec 3<&-
mkdir backups/d..e
is "d..e full..d"       "$(ls -C backups | xargs)"
fails bash -c 'echo destroyed > state'
echo state > options/force
echo destroyed > state
is "ended: the guest was turned off" "$(sed -n 2p backups/d..e/type)"
rmdir backups/full..d backups/d..e
is "d"                  "$(ls checkpoints)"
cp backups/d..e/* "$out" 2>/dev/null || :
mkdir backups/d..e
for half in "count=64" "skip=64"; do                    # two readers, each a part of it
	dd if=backups/d..e/vda.e.qcow2 of=/dev/null bs=64K status=none $half
done
for half in "skip=64" "count=64"; do                    # and backwards, by way of two files of one disk
	dd if=backups/d..e/vdb.raw of=/dev/null bs=64K status=none $half
done
rmdir backups/d..e
is "d e"                "$(ls checkpoints | xargs)"
cd /
unmount

# What a mount has seen is gone with it, unless it was all of a backup.
export FAKE_STATE=$tmp/state
mount_fake
cd "$mnt/alpha"
mkdir backups/full..b
cp backups/full..b/vda* "$out"
cd /; unmount -KILL; mount_fake; cd "$mnt/alpha"
cp backups/full..b/vdb* "$out"
says "vda.b.qcow2 was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir backups/full..b
cp backups/full..b/vda* "$out"
sleep 0.3
cd /; unmount -KILL; mount_fake; cd "$mnt/alpha"
rmdir backups/full..b
mkdir backups/full..c
echo 1 > backups/full..c/keep
cd /; unmount; mount_fake; cd "$mnt/alpha"
rmdir backups/full..c
is ""                   "$(ls backups)"
cd /
unmount

# What nobody was there to get was not answered.
export FAKE_HANG=$tmp/hang
unset FAKE_STATE
mount_fake
cd "$mnt/alpha"
mkdir backups/full..b
cat backups/full..b/vdb.b.qcow2 > /dev/null
echo images > "$tmp/hang"
cat backups/full..b/vda.b.qcow2 > /dev/null & cat=$!
sleep 0.3
kill -KILL $cat
wait $cat || :
rm "$tmp/hang"
size=$(stat -c %s backups/full..b/vda.b.qcow2)
dd if=backups/full..b/vda.b.qcow2 of=/dev/null bs=128K skip=8 status=none
says "vda.b.qcow2 was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir backups/full..b
cat backups/full..b/vda.b.qcow2 > /dev/null
rmdir backups/full..b
cd /
