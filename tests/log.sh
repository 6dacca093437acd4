#!/bin/bash
# What fails is logged: on stderr in the foreground, else by syslog; in a namespace whose /dev/log is ours.
[ -n "${INSIDE:-}" ] || {
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || { echo "skipped: no mount namespaces can be made here"; exit 77; }
	INSIDE=yes exec unshare -m --propagation private "$0"
}
. tests/lib.sh
[ -w /dev/fuse ] || skip "no /dev/fuse here"
cd "$tmp"

# Without the sentences, which are not what is tested here.
errnos() {
	sed 's/^\(.*: mkdir [^:]*: \).* (\([A-Z]*\))$/\1\2/' "$1"
}

mount_fake
fails mkdir mnt/alpha/snapshots/a..b mnt/alpha/nothing mnt/gamma
fails cat mnt/alpha/nothing                             # that something is not there is no failure
is "domfs: alpha: mkdir a..b: EINVAL
domfs: alpha: mkdir nothing: EPERM
domfs: -: mkdir gamma: EPERM" "$(errnos log)"
is "$(sed 's/^domfs: //; s/ ([A-Z]*)$//; s/^\([^ ]*\): /\1 /' log)" "$(sed 's/^[^ ]* //' mnt/.domfs/errors)"
fails mkdir mnt/alpha/snapshots/$'a\e[31m\nb\xff'       # a name does nothing to a terminal
is 'mkdir a?[31m?b�'    "$(tail -1 mnt/.domfs/errors | cut -d: -f3 | cut -d' ' -f3-)"
is "$(cut -d' ' -f2- mnt/alpha/error)" "$(tail -1 mnt/.domfs/errors | cut -d' ' -f3-)"

for _ in $(seq 20); do fails mkdir $(printf 'mnt/alpha/no%d ' $(seq 100)); done
is "100"                "$(wc -l < mnt/.domfs/errors)"
lines=$(wc -l < log)
[ "$lines" -lt 500 ]
sleep 0.3
fails mkdir mnt/alpha/last
is "domfs: alpha: mkdir last: EPERM" "$(errnos log | tail -1)"
left_out=$(awk '/lines were left out/ { n += $2 } END { print n }' log)
is "2005"               "$(($(grep -c mkdir log) + left_out))"
cd "$tmp"
unmount

: > log
JOURNAL_STREAM=$(stat -c %d:%i log) mount_fake -v             # by journald, which wants priorities
mkdir mnt/alpha/snapshots/s
fails mkdir mnt/alpha/nothing
unmount
is "<6>fake is mounted on $mnt
<6>alpha: mkdir s
<4>alpha: mkdir nothing: EPERM
<6>$mnt is not mounted any more" "$(errnos log)"

mount -t tmpfs dev /mnt
for device in null zero random urandom fuse; do
	touch /mnt/$device
	mount --bind /dev/$device /mnt/$device
done
mount --rbind /mnt /dev
socat -u UNIX-RECV:/dev/log,mode=666 "OPEN:$tmp/syslog,creat,append" & socat=$!
for _ in $(seq 50); do [ -e /dev/log ] && break; sleep 0.1; done
: > log
"$DOMFS" --pid-file=pid fake mnt 2> log
fails mkdir mnt/alpha/nothing
number=$(cat pid)
umount mnt
sleep 0.3
kill $socat
is ""                   "$(cat log)"
is "domfs[$number]: alpha: mkdir nothing: EPERM" "$(tr -d '\0' < syslog | sed 's/^<28>.* domfs\[/domfs[/' | errnos -)"
cd /
