#!/bin/bash
# ^C and kill -9 of who waits: what can be cancelled is, what cannot goes on alone, and nobody hangs.
. tests/lib.sh
export FAKE_HANG=$tmp/hang
mount_fake
cd "$mnt/alpha"
# after_half_a_second SIGNAL command...: it gets SIGNAL then, and ends at once, though it would take 3 s
after_half_a_second() {
	local begin=${EPOCHREALTIME/./}
	! timeout --foreground -s "$1" 0.5 "${@:2}" > "$tmp/said" 2>&1 || { echo "should be killed: ${*:2}"; exit 1; }
	[ $((${EPOCHREALTIME/./} - begin)) -lt 2000000 ] || { echo "took too long to end: ${*:2}"; exit 1; }
	sleep 0.2
}
error() {
	sed 's/^[^ ]* //' error
}
job() {
	sed -n 's/^operation //p; s/^name //p; s/^none/none/p' job | xargs
}

# is_over: what goes on alone has come to its end
is_over() {
	for _ in $(seq 100); do
		sleep 0.1
		[ "$(job)" != none ] || { sleep 0.3; return 0; }
	done
	echo "it goes on: $(job)"
	exit 1
}

for signal in INT KILL; do
	after_half_a_second $signal mkdir snapshots/slow
	is "mkdir slow: cancelled"      "$(error)"
	is "none"                       "$(job)"
	is ""                           "$(ls snapshots)"

	after_half_a_second $signal mkdir snapshots/deaf
	is "mkdir deaf: interrupted"    "$(error)"
	is "making deaf"                "$(job)"
	says "alpha is busy: mkdir deaf" mkdir backups/x
	is_over
	is ""                           "$(ls snapshots)"       # removed once it was there

	mkdir backups/full..deaf
	echo 1 > backups/full..deaf/keep
	rmdir backups/full..deaf
	after_half_a_second $signal mkdir backups/deaf..x
	is_over
	is ""                           "$(ls backups)"
	is "deaf"                       "$(ls checkpoints)"     # what it would have left goes, too
	rmdir checkpoints/deaf
	mkdir snapshots/go-{slow,deaf} snapshots/here

	after_half_a_second $signal mv snapshots/go-slow current/
	is "mv go-slow: cancelled"      "$(error)"
	is "here"                       "$(ls current)"

	after_half_a_second $signal mv snapshots/go-deaf current/
	is "mv go-deaf: interrupted"    "$(error)"
	is "reverting go-deaf"          "$(job)"
	is_over
	is "go-deaf"                    "$(ls current)"         # a revert stands
	is "go-deaf go-slow here"       "$(ls -C snapshots | xargs)"
	rmdir snapshots/*

	mkdir snapshots/deaf-late snapshots/late
	after_half_a_second $signal rmdir snapshots/late
	is "rmdir late: cancelled"      "$(error)"
	is "deaf-late late"             "$(ls -C snapshots | xargs)"
	after_half_a_second $signal rmdir snapshots/deaf-late
	is "rmdir deaf-late: interrupted" "$(error)"
	is "deleting deaf-late"         "$(job)"
	is_over
	is "late"                       "$(ls snapshots)"       # as does a delete
	rmdir snapshots/late
done

mkdir backups/b
for signal in INT KILL; do
	echo alpha > "$FAKE_HANG"
	after_half_a_second $signal cat backups/b/vda.raw       # to open it
	echo images > "$FAKE_HANG"
	sleep 0.3
	after_half_a_second $signal cat backups/b/vda.raw       # to read it
	rm "$FAKE_HANG"
	sleep 0.3                                       # until what was asked is answered, and nobody has it open
done
cmp backups/b/vda.raw backups/b/vdb.raw
rmdir backups/b
cd /
