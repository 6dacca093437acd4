#!/bin/bash
# contrib/table believes only what a test said that ran and passed, and tells of each tick that is gone.
set -eu
table=$PWD/contrib/table
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir contrib tests

is() {
	[ "$1" = "$2" ] || { echo "expected: $1"; echo "     got: $2"; exit 1; }
}

# ran NAME RESULT TEXT: as meson tells
ran() {
	printf '{"name": "domfs:vm / %s", "result": "%s", "stdout": "%s"}\n' "$@" >> log
}

cells() {
	sed -n "s/^| $1 |/|/p" contrib/table.md
}

cat > tests/vm-one.sh <<'END'
mkdir snapshots/one
proves "snapshot"
	proves "revert"
# proves "nothing, in a comment"
END
echo 'lacks "push" "not here"; proves "snapshot"' > tests/vm-two.sh
ran vm-one OK 'hello\nproves \"snapshot\"\nproves \"revert\"\nproves \"what no test says\"\n'
ran vm-two OK 'lacks \"push\": it: is | old\n'
cp log good
"$table" --write 'libvirt 1' log
is "| ✓ vm-one |"                 "$(cells snapshot)"
is "| skip: it: is / old |"       "$(cells push)"
is "push revert snapshot"         "$(sed -n '/^|---/,$s/^| \([^|]*\) |.*/\1/p' contrib/table.md | xargs)"
"$table" 'libvirt 1' log

# gone NAME SENTENCE: it fails, and says so
gone() {
	local said
	! said=$("$table" 'libvirt 1' log) || { echo "should fail: $1"; exit 1; }
	is "$2" "$said"
}

snapshot='contrib/table.md, libvirt 1: snapshot: was ✓ vm-one, and is'
revert='contrib/table.md, libvirt 1: revert: was ✓ vm-one, and is'
: > log
ran vm-one FAIL 'proves \"snapshot\"\nproves \"revert\"\n'
gone "a failed test proves nothing" "$revert –
$snapshot –"
: > log
ran vm-one SKIP 'proves \"snapshot\"\nskipped: no network\n'
ran vm-two OK ''
gone "a skipped one neither" "$revert skip: no network
$snapshot skip: no network"
: > log
ran vm-one OK 'proves \"snapshot\"\nlacks \"revert\": too old\n'
gone "what cannot be seen is not proven" "$revert skip: too old"
: > log
gone "nor by a test that did not run" "$revert –
$snapshot –"
cp good log
mv tests/vm-one.sh .
gone "nor by one that is no more" "$revert –
$snapshot –"
mv vm-one.sh tests/
sed -i '/revert/d' tests/vm-one.sh
gone "nor by one that does not say so any more" "$revert –"

# but a machine on which none can run says nothing of it
: > log
ran vm-one SKIP 'skipped: no namespaces can be made here\n'
ran vm-two SKIP 'skipped: no namespaces can be made here\n'
is "contrib/table.md: on this machine no test could run, so it was not looked at" "$("$table" 'libvirt 1' log)"

# another version has a column of its own, and nothing to lose yet
: > log
ran vm-one SKIP 'skipped: no network\n'
"$table" 'libvirt 2' log
"$table" --write 'libvirt 2' log
is "| ✓ vm-one | skip: no network |" "$(cells snapshot)"
is "" "$(cells revert)"
"$table" 'libvirt 2' log
