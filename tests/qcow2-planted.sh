#!/bin/sh
# A writer with a bug in it is caught: $1 tests $2, which has a bug that $3 has not.
cmp -s "$2" "$3" && echo "nothing was planted in $2" && exit 1
export ASAN_OPTIONS=detect_leaks=0      # who fails does not clear up
out=$("$1" 2>&1)
r=$?
echo "$out"
[ $r = 0 ] && echo "it was not caught" && exit 1
[ $r = 77 ] && exit 77
case $out in *'[  FAILED  ] any_map_becomes_the_qcow2_that_it_says'*) ;; *) exit 1 ;; esac
