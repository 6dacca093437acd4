#!/bin/bash
# While one waits for the hypervisor, who waits with it? Only who the kernel itself makes wait.
. tests/lib.sh
export FAKE_OTHER=$tmp/other FAKE_DOMAINS=32
mkfifo "$tmp/other"
mount_fake -o cache=0.2
cd "$mnt"
# soon command...: it succeeds long before what is under way does
soon() {
	local begin=${EPOCHREALTIME/./}
	"$@" > /dev/null
	[ $((${EPOCHREALTIME/./} - begin)) -lt 2000000 ] || { echo "took too long: $*"; exit 1; }
}
nobody_stuck() {
	is "" "$(grep -l '^State:.D' /proc/$pid/task/*/status 2>/dev/null || :)"
}

mkdir {alpha,beta}/snapshots/{go-slow,known}
mkdir alpha/snapshots/slow & slow=$!
sleep 0.5                                               # what the kernel knew of this directory is old now
soon stat alpha/snapshots/known
soon cat alpha/snapshots/known/state alpha/snapshots/go-slow/description
soon cat alpha/state alpha/job alpha/error alpha/tree
soon ls -l alpha/backups alpha/options beta beta/snapshots
soon mkdir beta/snapshots/x alpha/../vm00002/snapshots/x
soon mv beta/snapshots/known beta/current/
echo "drop beta snapshots x" > "$tmp/other"             # and a notice is told, though another is not yet to be
echo "drop alpha snapshots known" > "$tmp/other"
sleep 0.5
nobody_stuck
fails ls -d beta/snapshots/x
kill -0 $slow                                           # all that was in the meantime
wait $slow
is "go-slow slow"       "$(ls -C alpha/snapshots | xargs)"

mv alpha/snapshots/go-slow alpha/current/ & slow=$!     # the kernel lets no other mv from one directory to another begin
sleep 0.5
soon cat alpha/state alpha/job beta/snapshots/known/state
soon mkdir beta/snapshots/x
soon rmdir beta/snapshots/x
soon ls -l alpha/backups beta/snapshots beta/current
nobody_stuck
kill -0 $slow
wait $slow

for i in $(seq 2 31); do                                # each has a thread, and there are more
	mkdir "$(printf vm%05d $i)/snapshots/slow" &
done
sleep 1
soon cat alpha/state
soon ls -l beta/snapshots
soon mkdir alpha/snapshots/quick
begin=$SECONDS
wait $(jobs -p | grep -v "^$pid$")
[ $((SECONDS - begin)) -le 8 ]                          # not one after the other
is 30   "$(ls -d vm*/snapshots/slow | wc -l)"
cd /
