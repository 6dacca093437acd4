#!/bin/bash
# A range is what its disks allow: what was added or left out is full, and says so; what lacks its bitmap is refused, and
# so are names that are taken, missing or ambiguous. What is refused changes nothing.
. tests/vm.sh
image a.qcow2 qcow2 16M
image b.qcow2 qcow2 16M
image c.raw raw 4M
image d.qcow2 qcow2 4M
image old.qcow2 qcow2 4M -o compat=0.10
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio qcow2 b.qcow2)$(disk vdc virtio raw c.raw)"
mount_domfs qemu:///system
backups=$mnt/web/backups

# all_there_is: what a refusal must leave alone
all_there_is() {
	ls "$backups" "$mnt/web/checkpoints" "$tmp"
	find /var/lib/domfs
	virsh dumpxml web
	virsh checkpoint-list web --name
	virsh -q qemu-monitor-command web '{"execute": "query-named-block-nodes"}' | grep -o '"granularity":[^}]*'
}

# refused "SENTENCE" ERRNO NAME
refused() {
	local before
	before=$(all_there_is)
	within 1 says "$1" mkdir "$backups/$3"
	is "mkdir: cannot create directory '$backups/$3': $2" "$(mkdir "$backups/$3" 2>&1)"
	is "$before" "$(all_there_is)"
}

# type BACKUP: its lines of disks
type() {
	sed '1,2d; /quiesced/d' "$backups/$1/type" | paste -sd'|'
}

# through NAME: make it, keep what it leaves, remove it
through() {
	mkdir "$backups/$1"
	type "$1"
	echo 1 > "$backups/$1/keep"
	rmdir "$backups/$1"
}

# Names
through full..a > /dev/null
refused "there is a checkpoint a already" "File exists" full..a
refused "there is no checkpoint nosuch" "No such file or directory" nosuch..b
refused "there is no checkpoint nosuch" "No such file or directory" nosuch..
refused "a backup since a cannot leave a" "Invalid argument" a..a
refused "write full..b for a full backup that leaves it" "Invalid argument" ..b
refused "full..B is a full backup: full is no name for a checkpoint" "Invalid argument" a..full
long=$(printf %0200d 0)
through "a..$long" > /dev/null
is "a $long"                    "$(ls "$mnt/web/checkpoints" | sort -r | xargs)"
refused "a name has at most 247 bytes" "File name too long" "$long..$(printf %046d 0)"
rmdir "$mnt/web/checkpoints/$long"
sed 's/NAME/a..x/' > "$tmp/theirs.xml" <<-'END'
	<domaincheckpoint><name>NAME</name><disks><disk name='vda' checkpoint='bitmap'/><disk name='vdb' checkpoint='no'/>
	  <disk name='vdc' checkpoint='no'/></disks></domaincheckpoint>
	END
virsh -q checkpoint-create web "$tmp/theirs.xml" > /dev/null
sleep 1.1
fails mkdir "$backups/a..x..y"
grep -q "ambiguous" "$mnt/web/error"
virsh -q checkpoint-delete web a..x > /dev/null

# Disk by disk
is "vda incremental vda.b.qcow2|vdb incremental vdb.b.qcow2|vdc full vdc.b.qcow2 (raw)" "$(through a..b)"
virsh -q attach-disk web "$tmp/d.qcow2" vdd --subdriver qcow2 --persistent > /dev/null
is "vda incremental vda.c.qcow2|vdb incremental vdb.c.qcow2|vdc full vdc.c.qcow2 (raw)|vdd full vdd.c.qcow2 (added since)" \
	"$(through b..c)"
virsh -q detach-disk web vdb --config > /dev/null
virsh -q destroy web
virsh -q start web
is "vda incremental vda.d.qcow2|vdc full vdc.d.qcow2 (raw)|vdd incremental vdd.d.qcow2" "$(through c..d)"
virsh -q attach-disk web "$tmp/b.qcow2" vdb --subdriver qcow2 > /dev/null
is "vda incremental vda.since-d.qcow2|vdb full vdb.qcow2 (added since)|vdc full vdc.qcow2 (raw)|vdd incremental vdd.since-d.qcow2" \
	"$(mkdir "$backups/d.."; type d..; rmdir "$backups/d..")"
echo vda > "$mnt/web/options/disks"
is "vda incremental vda.e.qcow2" "$(through d..e)"
echo > "$mnt/web/options/disks"
is "vda incremental vda.f.qcow2|vdb full vdb.f.qcow2 (left out of e)|vdc full vdc.f.qcow2 (raw)|vdd full vdd.f.qcow2 (left out of e)" \
	"$(through e..f)"
echo vdc > "$mnt/web/options/disks"
refused "no disk that is backed up has a bitmap of f: begin anew with full.." "No data available" f..g
refused "none of the disks can have a bitmap: a checkpoint takes a qcow2 disk that is written to, see disks and options/disks" \
	"Operation not supported" full..g
echo > "$mnt/web/options/disks"

# While a backup runs that counts from a and leaves b, neither may go.
mkdir "$backups/f..g"
for checkpoint in f g; do
	fails rmdir "$mnt/web/checkpoints/$checkpoint"
	grep -q "f..g" "$mnt/web/error"
done
rmdir "$mnt/web/checkpoints/e"
echo cancel > "$mnt/web/job"
rmdir "$backups/f..g"
is "a b c d f"                  "$(ls "$mnt/web/checkpoints" | xargs)"

# Behind our back
node=$(virsh -q qemu-monitor-command web '{"execute": "query-named-block-nodes"}' | python3 -c 'import json, sys
print(next(n["node-name"] for n in json.load(sys.stdin)["return"] if n["drv"] == "qcow2" and n["file"].endswith("a.qcow2")))')
qmp() {
	virsh -q qemu-monitor-command web "{\"execute\": \"$1\", \"arguments\": $2}" > /dev/null
}
qmp block-dirty-bitmap-remove "{\"node\": \"$node\", \"name\": \"f\"}"
refused "the bitmap f of vda is missing, so nobody knows what has changed since: begin anew with full.." "No data available" f..g
virsh -q snapshot-create-as web above --disk-only $(for d in vda vdb vdc vdd; do echo --diskspec $d,file="$tmp/$d.above"; done) > /dev/null
mkdir "$backups/d..g"                           # what d has is looked for along the chain
is "vda incremental vda.g.qcow2|vdb full vdb.g.qcow2 (added since)|vdc full vdc.g.qcow2 (left out of d)|vdd incremental vdd.g.qcow2" \
	"$(type d..g)"
guest_writes web vda 1M 64k 7
cp "$backups/d..g/vda.g.qcow2" "$tmp/"
says "vdb.g.qcow2 was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir "$backups/d..g"
echo cancel > "$mnt/web/job"
rmdir "$backups/d..g"
virsh -q destroy web
virsh -q start web
is "a b c d f"                  "$(ls "$mnt/web/checkpoints" | xargs)"
mkdir "$backups/d.."
rmdir "$backups/d.."
kill -KILL "$(cat /run/libvirt/qemu/web.pid)"
for _ in $(seq 50); do [ "$(virsh domstate web)" = running ] || break; sleep 0.1; done
virsh -q start web
refused "the bitmap d of vda is inconsistent, so nobody knows what has changed since: begin anew with full.." "No data available" d..g
through full..g > /dev/null

# A bitmap goes where its image goes: what was another disk then is none of this chain.
virsh -q destroy web
virsh dumpxml web --inactive | sed "s#'$tmp/vda.above'#'@'#; s#'$tmp/vdd.above'#'$tmp/vda.above'#; s#'@'#'$tmp/vdd.above'#" > "$tmp/swapped.xml"
virsh -q define "$tmp/swapped.xml" > /dev/null
swapped="vda has the image that vdd had at g, so nobody knows what has changed since: begin anew with full.."
says "$swapped" mkdir "$backups/g..h"
virsh -q start web
refused "$swapped" "No data available" g..h
virsh -q snapshot-create-as web over --disk-only $(for d in vda vdc vdd; do echo --diskspec $d,file="$tmp/$d.over"; done) > /dev/null
refused "$swapped" "No data available" g..h
proves "backup: ranges, disk by disk, refused if a bitmap is lost"
