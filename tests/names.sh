#!/bin/bash
# New names are plain; what others named otherwise is shown as a path can carry it, and works like any other.
. tests/lib.sh
export FAKE_NAME=a/b FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake -o cache=0.1
cd "$mnt/alpha"
other() {
	printf "$1 alpha $2 %s\n" "${@:3}" > "$tmp/other"
	sleep 0.5
}

for name in a -x _ A.b.c-d_e 0 "$(printf %0247d)"; do
	mkdir -- "snapshots/$name" "backups/$name"
	rmdir -- "snapshots/$name" "backups/$name"
done
plain='a name has letters, digits, "_", "-" and single dots, none of them first'
for name in .x a..b 'a b' a%41 é 'con*?' $'two\nlines' $'tab\t' $'bad\377'; do
	says "$plain"   mkdir "snapshots/$name"
	is "EINVAL"     "$(python3 -c 'import errno, os, sys
try: os.mkdir(b"snapshots/" + os.fsencode(sys.argv[1]))
except OSError as e: print(errno.errorcode[e.errno])' "$name")"
done
for length in 248 255; do
	says "a name has at most 247 bytes" mkdir "snapshots/$(printf %0${length}d)"
	fails mkdir "backups/$(printf %0${length}d)"
done
is "mkdir: cannot create directory 'snapshots/$(printf %0248d)': File name too long" "$(mkdir "snapshots/$(printf %0248d)" 2>&1)"
is ""           "$(ls snapshots backups | grep -v :)"

long=$(printf %0256d)
other make snapshots %2Edots %2E%2E a%2Fb two%0Alines fine%FFutf8 é 'con*?' 100%2541 50%25 50%25zz $long $(printf %0255d)
is "%2E. %2Edots 100%2541 50% 50%zz a%2Fb con*? fine%FFutf8 two%0Alines é" "$(LC_ALL=C ls -1 snapshots | grep -v ^000 | xargs)"
is "$(printf %0255d)"           "$(ls snapshots | grep ^000)"
is 1            "$(grep -c "alpha list $long: its name is too long to be shown$" ../.domfs/errors)"
sleep 0.3
ls snapshots > /dev/null                                # and is told once, though it is listed again
is 1            "$(grep -c "$long" ../.domfs/errors)"
is "<name>two%0Alines</name>"   "$(grep -o '<name>.*' snapshots/two%0Alines/snapshot.xml)"
is "../../snapshots/%2E."       "$(readlink snapshots/a%2Fb/parent)"
mv snapshots/%2E. current/
is "%2E."       "$(ls current)"
grep -q '^ *%2E\.  <- here$' tree
rmdir snapshots/%2E. snapshots/a%2Fb snapshots/100%2541
fails ls -d snapshots/100A
is "%2Edots 50% 50%zz con*? fine%FFutf8 two%0Alines é" "$(LC_ALL=C ls -1 snapshots | grep -v ^000 | xargs)"

other make backups .dots a%2Fb
cmp backups/%2Edots/vda.raw backups/a%2Fb/vdb.raw
rmdir backups/*

cd "$mnt"
is "a%2Fb alpha beta"           "$(ls -C | xargs)"
is "running"                    "$(cat a%2Fb/state)"
mkdir a%2Fb/snapshots/s
is "s"                          "$(ls a%2Fb/current)"
fails ls a/b
cd /
