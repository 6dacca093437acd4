#!/bin/bash
# The manual and the README say what is so: the tree of fs/tree.c, the options of --help, the numbers and the errnos.
set -eu
manual=contrib/domfs.1

# A line a row, as the pictures have it; what the table has twice by a macro is unfolded.
table=$(awk -F'"' '
	function row() { return $2 ($3 ~ /^,  *D\|/ && $2 != "/" ? "/" : "") }
	/^#define SNAPSHOT_ROWS/ { macro = 1; next }
	macro && /^\t\{ "/       { inside = inside (inside ? "\n" : "") row(); if (!/\\$/) macro = 0; next }
	/^\tSNAPSHOT_ROWS,/      { print inside }
	/^\t\{ "/                { print row() }' fs/tree.c | sed 's,^/$,MOUNT/,')
[ "$(wc -l <<< "$table")" -gt 30 ]

picture() {
	sed -n '/^MOUNT\//,/^[.`]/{/^[.`]/d;s/^\( *[^ ]*\).*/\1/;p}' "$1"
}
diff -u <(echo "$table") <(picture "$manual")
diff -u <(echo "$table") <(picture README.md)

# Each option has its line in --help, its place in the manual, and none is in only one of them.
diff -u <("$DOMFS" --help | sed -nE 's/^  (-[a-zA-Z], )?--([a-z_-]+).*/\2/p' | LC_ALL=C sort -u) \
	<(sed -n '/^\.Sh OPTIONS/,/^\.Sh /{/^\.It/{s/ Ns = Ns Ar [a-z]*//g; s/Fl . , -/Cm /; s/ , Fl o Cm ro//; s/ , Cm /\nCm /g; p}}' "$manual" |
		sed -n 's/.*Cm //p' | LC_ALL=C sort -u)

diff -u <(sed -n '/^enum status/,/^}/s/^\t[A-Z_]* *= \([0-9]*\),.*/\1/p' fs/command.h) \
	<(sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /s/^\.It \([0-9]*\)$/\1/p' "$manual")

# What a request can be refused with is explained.
said=$(ls fs/*.c | grep -vE '/(background|command|main|mountpoint|ready|session)\.c' | xargs grep -ohE 'fault \([a-z&]+, E[A-Z]+' |
	sed 's/.*, //' | LC_ALL=C sort -u)
[ "$(wc -l <<< "$said")" -gt 5 ]
diff <(echo "$said") <(sed -n 's/^\.It Er //p' "$manual" | LC_ALL=C sort -u) | grep '^<' && exit 1

# Who reports a bug finds the versions of what matters.
[ "$("$DOMFS" -V | sed -E 's/ [0-9]+(\.[0-9]+)+$//' | xargs)" = "domfs libfuse libvirt libnbd" ]

if [ -n "$(command -v mandoc)" ]; then
	mandoc -T lint -W warning "$manual"
fi
