#!/bin/bash
# Why something failed is told where it failed, in one line, and all that failed lately in .domfs/errors.
. tests/lib.sh
export FAKE_CALLS=$tmp/calls
mount_fake
cd "$mnt"
time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'

is ""           "$(cat alpha/error beta/error .domfs/errors)"
fails cat alpha/nothing                                 # that something is not there is an answer
fails ls alpha/snapshots/nothing beta/backups nowhere
fails rmdir alpha/snapshots/nothing
is ""           "$(cat alpha/error beta/error .domfs/errors)"

fails mkdir alpha/snapshots/bad
grep -qxE "$time mkdir bad: internal snapshots of a domain with pflash firmware are not supported" alpha/error
grep -qxE "$time alpha mkdir bad: internal snapshots of a domain with pflash firmware are not supported" .domfs/errors
is ""           "$(cat beta/error)"                     # of the other domain nothing is said
grep -q '^domfs: alpha: mkdir bad: internal snapshots' "$tmp/log"
fails mkdir "alpha/snapshots/$(printf %0240d)$(printf 'x%.0s' {1..8})"
fails mkdir $'beta/snapshots/two\nlines\033[1m'
is 1            "$(wc -l < beta/error)"
is 3            "$(wc -l < .domfs/errors)"
is ""           "$(tr -d '[:print:]\n' < .domfs/errors)"       # nothing in it does anything to a terminal
fails mkdir gamma                                       # which is of no domain
grep -qxE "$time - mkdir gamma: domains are made and removed elsewhere" .domfs/errors
mkdir alpha/snapshots/one                               # what goes well does not take it back
is 1            "$(grep -c 'mkdir 0000' alpha/error)"
is ""           "$(grep make "$tmp/calls" | grep -v '^make alpha$' || :)"       # no bad name has reached the hypervisor
is 2            "$(grep -c '^make alpha$' "$tmp/calls")"

for i in $(seq 120); do
	! mkdir alpha/snapshots/.$i 2> /dev/null
done
is 100          "$(wc -l < .domfs/errors)"
is "mkdir .21"  "$(head -1 .domfs/errors | cut -d' ' -f3- | cut -d: -f1)"
is "mkdir .120" "$(tail -1 .domfs/errors | cut -d' ' -f3- | cut -d: -f1)"
is "mkdir .120" "$(cut -d' ' -f2- alpha/error | cut -d: -f1)"
cd /
