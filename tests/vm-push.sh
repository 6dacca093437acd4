#!/bin/bash
# What the hypervisor itself writes into a directory is a chain like any other, beside and between what is copied.
. tests/vm.sh
image base.qcow2 qcow2 32M
qemu-io -c 'write -P 9 0 3M' "$tmp/base.qcow2" > /dev/null
image vda.qcow2 qcow2 $((32 * 1024 * 1024 + 512)) -b "$tmp/base.qcow2" -F qcow2
image vdb.raw raw 8M
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio raw vdb.raw)"
mount_domfs qemu:///system
cd "$mnt/web"
srv="$tmp/a chain"
mkdir "$srv"
echo "$srv" > options/target

# pushed DIRECTORY BACKUP: once it is whole
pushed() {
	for _ in $(seq 100); do [ "$(sed -n 2p "backups/$2/type")" = push ] || break; sleep 0.1; done
	is "ended: complete" "$(sed -n 2p "backups/$2/type")"
	is "" "$(ls "$1" | grep part || :)"
}
# is_disk FILE SUM: it holds that
is_disk() {
	qemu-img check -q "$1"
	qemu-img convert -O raw "$1" "$tmp/flat"
	is "$2" "$(sha256sum < "$tmp/flat")"
}
# changes BYTE
changes() {
	guest_writes web vda $((RANDOM % 30))M 600k "$1"
	guest_writes web vdb $((RANDOM % 7))M 1M "$1"
}

changes 1
vda=$(content web vda) vdb=$(content web vdb)
mkdir backups/full..a
changes 2
is "backup.xml checkpoint.xml domain.xml keep type" "$(ls backups/full..a | xargs)"
pushed "$srv" full..a
is "full|ended: complete|vda full vda.a.qcow2|vdb full vdb.a.qcow2|quiesced no" "$(paste -sd'|' backups/full..a/type)"
is "vda.a.qcow2 vdb.a.qcow2"    "$(ls "$srv" | xargs)"
is ""                           "$(qemu-img info "$srv/vda.a.qcow2" | grep backing || :)"
is "600 qcow2"                  "$(stat -c %a "$srv/vda.a.qcow2") $(qemu-img info "$srv/vda.a.qcow2" | sed -n 's/file format: //p')"
is_disk "$srv/vda.a.qcow2" "$vda"
is_disk "$srv/vdb.a.qcow2" "$vdb"
rmdir backups/full..a                                   # that takes the entry, and no file
is "vda.a.qcow2 vdb.a.qcow2"    "$(ls "$srv" | xargs)"
is "a"                          "$(virsh checkpoint-list web --name | xargs)"

vda=$(content web vda) vdb=$(content web vdb)
mkdir backups/a..b
pushed "$srv" a..b
is "since a|ended: complete|vda incremental vda.b.qcow2|vdb full vdb.b.qcow2 (raw)" "$(head -4 backups/a..b/type | paste -sd'|')"
is "vda.a.qcow2 qcow2"          "$(qemu-img info --output=json "$srv/vda.b.qcow2" | sed -n 's/.*"backing-filename\(-format\)\?": "\(.*\)",/\2/p' | sort -r | xargs)"
is_disk "$srv/vda.b.qcow2" "$vda"
is_disk "$srv/vdb.b.qcow2" "$vdb"
[ "$(stat -c %s "$srv/vda.b.qcow2")" -lt 3000000 ]      # no more than what changed
rmdir backups/a..b

proves "backup: push, a chain"

# The next one is copied, and the one after that pushed again.
changes 3
echo > options/target
mkdir backups/b..c
cp backups/b..c/*.qcow2 "$srv"
rmdir backups/b..c
changes 4
vda=$(content web vda) vdb=$(content web vdb)
echo "$srv" > options/target
mkdir backups/c..d
pushed "$srv" c..d
is_disk "$srv/vda.d.qcow2" "$vda"
is_disk "$srv/vdb.d.qcow2" "$vdb"
mkdir backups/c..
pushed "$srv" c..
is_disk "$srv/vda.since-c.qcow2" "$vda"
rmdir backups/c..d backups/c..
is "a b c d"                    "$(virsh checkpoint-list web --name | xargs)"

# A plain one is raw.
mkdir backups/monday
pushed "$srv" monday
is "$vda$vdb"                   "$(sha256sum < "$srv/vda.raw")$(sha256sum < "$srv/vdb.raw")"
rmdir backups/monday

# No file is ever written over, and what cannot be is refused before anything is done.
sums=$(cd "$srv"; sha256sum *)
says "$srv/vda.raw exists already: move it away, or write another directory to options/target" mkdir backups/tuesday
rm "$srv/vda.raw" "$srv/vdb.raw"
echo mine > "$srv/vdb.raw.part"
says "$srv/vdb.raw.part exists already: move it away, or write another directory to options/target" mkdir backups/tuesday
is "mine"                       "$(cat "$srv/vdb.raw.part")"
says "target is a directory of the hypervisor's host: write its whole path" sh -c 'echo srv > options/target'
echo "$srv/nowhere" > options/target
says "options/target is $srv/nowhere: No such file or directory" mkdir backups/tuesday
echo "$srv/vda.a.qcow2" > options/target
says "options/target is $srv/vda.a.qcow2, which is no directory" mkdir backups/tuesday
is ""                           "$(ls backups)"
is "$(grep -v 'vd[ab].raw' <<< "$sums")" "$(cd "$srv"; sha256sum vd*.qcow2)"
virsh --quiet destroy web
echo "$srv" > options/target
proves "backup: push, no file is written over"
says "only the QEMU of a running guest writes into $srv: start web, or write an empty line to options/target" mkdir backups/tuesday
is ""                           "$(ls backups)"
cd /
