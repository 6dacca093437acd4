#!/bin/bash
# mv goes back to a snapshot; whatever else one asks of it is refused so that it says why and does nothing.
. tests/lib.sh
mount_fake
cd "$mnt/alpha"
mkdir snapshots/one snapshots/two "$tmp/bound" "$tmp/out"
cannot() {                                              # cannot "reason" from to: what mv says, and nothing has changed
	is "mv: cannot move '$2' to '${4:-$3}': $1" "$(LC_ALL=C mv -T "$2" "$3" 2>&1)"
	is "one two|now|two" "$(echo $(ls snapshots)"|"$(ls backups)"|"$(ls current))"
}

mv snapshots/one current/                               # with RENAME_NOREPLACE, as mv does
mv snapshots/two current/
mkdir backups/now

cannot "Operation not permitted" snapshots/two snapshots/deux
is "two keeps its place and its name; mv snapshots/NAME current/ reverts" "$(sed 's/^.*Z mv two: //' error)"
cannot "Operation not permitted" snapshots/one snapshots/two
cannot "Operation not permitted" snapshots/one current/other
cannot "Operation not permitted" snapshots/one backups/one
cannot "Operation not permitted" snapshots/one ../beta/snapshots/one
cannot "Operation not permitted" snapshots/one ../beta/current/one
cannot "Operation not permitted" snapshots/one options/one
cannot "Operation not permitted" snapshots/one one
cannot "Operation not permitted" current/two snapshots/three
cannot "Operation not permitted" backups/now backups/later
cannot "Operation not permitted" snapshots/one/state snapshots/two/state2
cannot "Operation not permitted" snapshots ../beta/s
cannot "Operation not permitted" ../alpha ../gamma
cannot "Operation not permitted" snapshots/one current/two/one
is "mv: cannot move 'snapshots/one' to 'current/two/one': Operation not permitted" \
	"$(LC_ALL=C mv snapshots/one current/two 2>&1)" # a twin is a directory: mv moves into it
is "" "$(ls ../beta/snapshots)"                         # nothing was copied instead

python3 - <<'END_OF_PYTHON'                             # whatever the flags, to whatever place
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def renameat2(a, b, flags):
    r = libc.renameat2(-100, a.encode(), -100, b.encode(), flags)
    return 0 if r == 0 else ctypes.get_errno()
NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
for flags in 0, NOREPLACE, EXCHANGE:
    for a in "snapshots/one", "backups/now", "snapshots/one/state", "state", "options/force":
        for b in "snapshots/new", "snapshots/two", "current/new", "backups/new", "../beta/snapshots/one", "new", "options/new":
            got = renameat2(a, b, flags)
            allowed = errno.EPERM, errno.EBUSY
            if flags == EXCHANGE:                       # the kernel finds that B is not there
                allowed += errno.ENOENT,
            if flags == NOREPLACE and b == "snapshots/two":
                allowed += errno.EEXIST,                # the kernel itself, which does not ask us
            if b == "snapshots/two" and a in ("state", "snapshots/one/state", "options/force"):
                allowed += errno.EISDIR,
            assert got in allowed, (a, b, flags, errno.errorcode[got])
assert renameat2("snapshots/one", "snapshots/two", EXCHANGE) == errno.EPERM
END_OF_PYTHON
is "moments do not change places"       "$(sed 's/^.*Z mv one: //' error)"
is "one two|now|two"                    "$(echo $(ls snapshots)"|"$(ls backups)"|"$(ls current))"

fails mv snapshots/one "$tmp/out"                       # to another file system: its files, but it stays
is "one two"                            "$(ls -C snapshots | xargs)"
is "running"                            "$(cat "$tmp/out/one/state")"
sleep 5.1                                               # mv tried to delete what it had copied
mount --bind snapshots "$tmp/bound"                     # the kernel says EXDEV without asking, so mv copies:
fails mv "$tmp/bound/one" current/
umount "$tmp/bound"
is "two"                                "$(ls current)" # mkdir in current/ makes nothing
is "mkdir one: nothing can be made here: mkdir in snapshots/ or backups/" "$(sed 's/^[^ ]* //' error)"
is "one two"                            "$(ls -C snapshots | xargs)"
mkdir snapshots/error{1,2,5,13,16,17,18,22,30,38,39,95,115}     # what a hypervisor may say, and what mv hears
rmdir backups/now
for expected in "1 Operation not permitted" "2 No such file or directory" "5 Input/output error" "13 Permission denied" \
		"16 Device or resource busy" "30 Read-only file system" "39 Directory not empty" \
		"115 Operation now in progress" "17 Device or resource busy" \
		"18 Operation not permitted" "22 Operation not permitted" "38 Operation not permitted" \
		"95 Operation not permitted"; do
	n=${expected%% *}
	is "mv: cannot move 'snapshots/error$n' to 'current/error$n': ${expected#* }" "$(LC_ALL=C mv snapshots/error$n current/ 2>&1)"
	is "mv error$n: it fails with $n" "$(sed 's/^[^ ]* //' error)"
done
cd /
