#!/bin/bash
# Who polls a text is woken when it says something else.
. tests/lib.sh
export FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake
cd "$mnt/alpha"
# woken FILE: by what comes on its standard input, and not before
woken() {
	python3 - "$1" "$2" <<'END_OF_PYTHON'
import os, select, subprocess, sys, time
file = open(sys.argv[1])
file.read()
poll = select.poll()
poll.register(file, select.POLLPRI)
assert poll.poll(500) == [], "woken too early"
child = subprocess.Popen(["bash", "-c", "sleep 0.3; " + sys.argv[2]])
begin = time.monotonic()
assert poll.poll(10000), "not woken"
assert time.monotonic() - begin < 3
child.wait()
assert open(sys.argv[1]).read() != "", "it is empty"
END_OF_PYTHON
}

woken state     'echo paused > state'
woken tree      'mkdir snapshots/one'
woken tree      "echo make alpha snapshots two > $tmp/other"    # by another client
woken job       'mkdir backups/b'
woken options/memory 'echo no > options/memory'
woken error     'mkdir snapshots/.x 2> /dev/null'
is "paused"     "$(cat state)"
cd /
