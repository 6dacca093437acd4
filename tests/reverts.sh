#!/bin/bash
# mv to current/ again and again: what the kernel remembers of both directories stays right, also for who stands in them.
. tests/lib.sh
mount_fake
cd "$mnt/alpha"
mkdir snapshots/one snapshots/two ../beta/snapshots/go-slow

for name in two one one two two; do                     # the commonest is the one it stands on
	mv snapshots/$name current/
	is "$name"      "$(ls current)"
	is "one two"    "$(ls -C snapshots | xargs)"
	is 1            "$(grep -c '<- here$' tree)"
	grep -q "^ *$name  <- here$" tree
done
[ "$(stat -c %i snapshots/two)" != "$(stat -c %i current/two)" ]        # or mv would say "are the same file"

mv ../beta/snapshots/go-slow ../beta/current/ &         # another rename is in flight
sleep 0.3
kill -0 $!
for _ in 1 2 3; do                                      # never ESTALE, which a directory of two names would be
	is "directory directory" "$(stat -c %F snapshots/two current/two | xargs)"
	is "running running"    "$(cat snapshots/two/state current/two/state | xargs)"
	is "<name>two</name>"   "$(grep -ho '<name>.*' snapshots/two/snapshot.xml current/two/snapshot.xml | sort -u)"
done
wait $!

(
	cd snapshots/one                                # who stands in it goes along, as with any directory
	mv ../one ../../current/
	is "$mnt/alpha/current/one" "$(env pwd -P)"
	is "running"            "$(cat state)"
	mv ../../snapshots/two ../                      # and is left where nothing is
	sleep 1.2
	is "cat: state: No such file or directory" "$(cat state 2>&1)"
)
cd snapshots/one                                        # a name used again is another directory
rmdir ../one
mkdir ../one
is "cat: state: No such file or directory" "$(cat state 2>&1)"
is "running"    "$(cat ../one/state)"
cd ../..
exec 3< snapshots/two/snapshot.xml                      # a text is as it was when it was opened
mv snapshots/one current/
mv snapshots/two current/
is "<name>two</name>"   "$(grep -o '<name>.*' <&3)"
exec 3<&-
rmdir snapshots/*
is ""           "$(ls snapshots current | grep -v :)"
is ""           "$(cat error ../beta/error)"
cd /
