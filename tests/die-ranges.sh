# die-ranges.sh - what dies, of a domain with two qcow2 disks and a raw one, that runs or is off
. tests/die-lib.sh
for name in vda vdb; do image $name.qcow2 qcow2 8M; done
image vdc.raw raw 1M
usable=$(printf 'vda ok\nvdb ok\nvdc none\n')
chain=$tmp/chain
mkdir "$chain"

# sums_of_disks: as they are now; written to $tmp/now as well, to compare a chain with
sums_of_disks() {
	local disk state
	state=$(virsh domstate web)
	[ "$state" != running ] || virsh --quiet suspend web > /dev/null
	for disk in vda.qcow2 vdb.qcow2 vdc.raw; do
		qemu-img convert --force-share -f "${disk#*.}" -O raw "$tmp/$disk" "$tmp/now-${disk%.*}.raw"
		sha256sum < "$tmp/now-${disk%.*}.raw"
	done
	[ "$state" != running ] || virsh --quiet resume web > /dev/null
}

# is_right BACKUP: its disks are the point in time, as raw and as files on the chain
is_right() {
	local file disk
	is pull "$(sed -n 2p "$backups/$1/type")"
	is "$sums" "$(for disk in vda vdb vdc; do sha256sum < "$backups/$1/$disk.raw"; done)"
	rm -f "$chain"/*.b.qcow2 "$chain"/*.since-a.qcow2
	cp "$backups/$1"/*.qcow2 "$chain"
	is_chain
}

is_chain() {
	local file disk
	for file in "$chain"/*.b.qcow2 "$chain"/*.since-a.qcow2; do
		[ -e "$file" ] || continue
		disk=${file##*/}
		qemu-img check -q "$file"
		qemu-img compare -q "$file" "$tmp/now-${disk%%.*}.raw" > "$tmp/said" || { cat "$tmp/said"; exit 1; }
	done
}

# is_kept: the checkpoint is right, so the next backup may count from it
is_kept() {
	is "$usable" "$(cat "$after/web/checkpoints/b/status")"
	rmdir "$after/web/checkpoints/b"
}

# stays NAME: it was read, so what it leaves stays
stays() {
	rmdir "$backups/$1"
	[ "$1" = a.. ] || is_kept
}

# goes NAME: it is ended by the user, so what it would leave is gone
goes() {
	echo cancel > "$after/web/job"
	rmdir "$backups/$1"
	[ ! -e "$after/web/checkpoints/b" ]
}

# There, and right; or nothing of it
judge_made() {
	[ "${2:-}" != done ] || [ -d "$backups/$1" ]
	[ -d "$backups/$1" ] || return 0
	is_right "$1"
	stays "$1"
}

before_full() { :; }
do_full() { mkdir "$backups/full..b"; }
judge_full() { judge_made full..b "$@"; }

before_range() { :; }
do_range() { mkdir "$backups/a..b"; }
judge_range() { judge_made a..b "$@"; }

before_since() { :; }
do_since() { mkdir "$backups/a.."; }
judge_since() { judge_made a.. "$@"; }

# Complete: whatever happens on its way out, b stays
before_removing() { mkdir "$backups/a..b"; rm -f "$chain"/*.b.qcow2; cp "$backups"/a..b/*.qcow2 "$chain"; }
do_removing() { rmdir "$backups/a..b"; }
judge_removing() {
	[ "${1:-}" != done ] || [ ! -d "$backups/a..b" ]
	[ ! -d "$backups/a..b" ] || rmdir "$backups/a..b"
	is_chain
	is_kept
}

before_cancel_complete() { before_removing; }
do_cancel_complete() { echo cancel > "$mnt/web/job"; }
judge_cancel_complete() { judge_removing; }

# Not complete: b goes with it
before_cancel() { mkdir "$backups/a..b"; head -c 4k "$backups/a..b/vda.b.qcow2" > /dev/null; }
do_cancel() { echo cancel > "$mnt/web/job"; }
judge_cancel() {
	if [ "$(sed -n 2p "$backups/a..b/type")" = pull ]; then
		[ "${1:-}" != done ]
		is_right a..b
		stays a..b
	else
		! ls "$after/web/checkpoints" | grep -x b
		rmdir "$backups/a..b"
	fi
}

# Read by who dies: then it is complete, or can be read again
before_reading() { mkdir "$backups/a..b"; }
do_reading() { rm -f "$chain"/*.b.qcow2; cp "$backups"/a..b/*.qcow2 "$chain"; }
judge_reading() {
	if ! rmdir "$backups/a..b" 2> /dev/null; then
		[ "${1:-}" != done ]
		is_right a..b
		stays a..b
	else
		is_chain
		is_kept
	fi
}

before_keeping() { mkdir "$backups/a..b"; }
do_keeping() { echo 1 > "$backups/a..b/keep"; }
judge_keeping() {
	local keep
	keep=$(cat "$backups/a..b/keep")
	[ "${1:-}" != done ] || is 1 "$keep"
	if [ "$keep" = 1 ]; then
		rmdir "$backups/a..b"
		is_kept
	else
		fails rmdir "$backups/a..b"
		goes a..b
	fi
}

# begin_chain: checkpoint a, and the files that end in it
begin_chain() {
	mount_domfs $options qemu:///system
	mkdir "$backups/full..a"
	cp "$backups"/full..a/*.qcow2 "$chain"
	rmdir "$backups/full..a"
	unmount
}

# die_each: in all that can be done then
die_each() {
	for operation in ${ONLY:-range since removing cancel_complete cancel reading keeping}; do die_at $operation; done
}
