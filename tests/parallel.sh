#!/bin/bash
# A hundred list a directory while snapshots in it come and go: each sees what was there, and no other error.
. tests/lib.sh
export FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake -o cache=0.1
cd "$mnt/alpha"
mkdir snapshots/{stays,goes,too,also} "$tmp/lists"

for i in $(seq 100); do
	(for _ in 1 2 3 4; do ls -l snapshots; done > "$tmp/lists/$i" 2> "$tmp/lists/$i.errors" || :) &
done
rmdir snapshots/goes
echo "drop alpha snapshots too" > "$tmp/other"
rmdir snapshots/also
mkdir snapshots/comes
wait $(jobs -p | grep -v "^$pid$")

is ""           "$(cat "$tmp"/lists/*.errors | grep -Ev "^ls: cannot access 'snapshots/(goes|too|also)': No such file or directory$" || :)"
is 400          "$(cat "$tmp"/lists/* | grep -c ' stays$')"     # no list was empty
is ""           "$(cat "$tmp"/lists/* | grep -Ev '(^total .*|: No such file or directory| (stays|goes|too|also|comes))$' || :)"
is "comes stays" "$(ls -C snapshots | xargs)"
is ""           "$(cat error)"
cd /
