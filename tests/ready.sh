#!/bin/bash
# A supervisor that gave us its socket, as systemd does, is told when the mount is there and when it ends.
. tests/lib.sh
[ -w /dev/fuse ] || skip "no /dev/fuse here"

listen() {
	socat -u "$1" "OPEN:$tmp/told,creat,append" & socat=$!
	sleep 0.3
}
heard() {
	for _ in $(seq 100); do [ ! -s "$tmp/told" ] || break; sleep 0.1; done
	sleep 0.1
	tr '\n' ' ' < "$tmp/told"
	: > "$tmp/told"
}

listen "UNIX-RECV:$tmp/notify"
export NOTIFY_SOCKET=$tmp/notify
mount_fake
is "alpha beta"         "$(echo $(ls "$mnt"))"
is "READY=1 MAINPID=$pid" "$(heard)"
unmount
is "STOPPING=1"         "$(heard)"
kill $socat

listen "ABSTRACT-RECV:domfs-test-$$"                            # a name that is no file
export NOTIFY_SOCKET=@domfs-test-$$
"$DOMFS" --pid-file "$tmp/pid" fake "$mnt"
is "READY=1 MAINPID=$(cat "$tmp/pid")" "$(heard)"
umount "$mnt"
is "STOPPING=1"         "$(heard)"
kill $socat
