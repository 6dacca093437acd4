#!/bin/bash
# Ten increments, with writes, discards, zeroes and snapshots in between, are exactly the disk: at each of the points.
. tests/vm.sh
seed=${SEED:-$RANDOM}
RANDOM=$seed
echo "seed $seed"
size=$((64 * 1024 * 1024 + 512))                # no multiple of a cluster
image vda.qcow2 qcow2 $size
image base.qcow2 qcow2 8M
qemu-io -c 'write -P 9 0 3M' "$tmp/base.qcow2" > /dev/null
image vdb.qcow2 qcow2 16M -b "$tmp/base.qcow2" -F qcow2
image vdc.raw raw 4M
start web "$({ disk vda virtio qcow2 vda.qcow2; disk vdb virtio qcow2 vdb.qcow2; disk vdc virtio raw vdc.raw; } |
	sed "s/<driver /&discard='unmap' detect_zeroes='off' /")"
mount_domfs qemu:///system
backups=$mnt/web/backups
chain=$tmp/chain
mkdir "$chain"

declare -A qdev
for disk in vda vdb vdc; do qdev[$disk]=$(qdev web $disk); done

# does TARGET COMMAND: as guest_does, but sooner
does() {
	virsh -q qemu-monitor-command web --hmp "qemu-io -d ${qdev[$1]} \"$2\"" > /dev/null
}

# changes TARGET MEGABYTES: here and there, and at the very end
changes() {
	local offset length
	for _ in $(seq 5); do
		offset=$((RANDOM * RANDOM % ($2 * 2048) * 512)) length=$((RANDOM % 400 * 512 + 512))
		[ $((offset + length)) -le $(($2 << 20)) ] || length=$((($2 << 20) - offset))
		case $((RANDOM % 4)) in
		0)	does "$1" "discard $offset $length" ;;
		1)	does "$1" "write -z $offset $length" ;;
		*)	does "$1" "write -P $((RANDOM % 255 + 1)) $offset $length" ;;
		esac
	done
	[ "$1" != vda ] || does vda "write -P $((RANDOM % 255 + 1)) $((size - 512)) 512"
}

all_change() {
	changes vda 64
	changes vdb 16
	changes vdc 4
}

# is_disk DISK POINT: what is copied of it is what it was
is_disk() {
	local file=$chain/$1.$2.qcow2
	qemu-img check -q "$file"
	qemu-img convert -O raw "$file" "$tmp/flat"
	is "$(cat "$chain/$1.$2.sum")" "$(sha256sum < "$tmp/flat")"
}

since=full
for i in $(seq 0 10); do
	all_change
	case $i in                              # libvirt's bitmaps go through all of these
	2)	virsh -q snapshot-create-as web overlay --disk-only --diskspec vda,file="$tmp/vda.overlay" \
			--diskspec vdb,file="$tmp/vdb.overlay" --diskspec vdc,snapshot=no > /dev/null ;;
	4)	virsh -q snapshot-create-as web second --disk-only --diskspec vda,file="$tmp/vda.second" \
			--diskspec vdb,snapshot=no --diskspec vdc,snapshot=no > /dev/null ;;
	6)	virsh -q snapshot-delete web second > /dev/null ;;
	8)	virsh -q snapshot-delete web overlay > /dev/null ;;
	esac
	all_change
	mkdir "$backups/$since..p$i"
	for disk in vda vdb vdc; do content web $disk > "$chain/$disk.p$i.sum"; done
	all_change                              # the guest goes on
	[ $i != 9 ] || is "$(cat "$chain/vda.p9.sum")" "$(sha256sum < "$backups/p8..p9/vda.raw")"
	cp "$backups/$since..p$i"/*.qcow2 "$chain"
	rmdir "$backups/$since..p$i"
	for disk in vda vdb vdc; do is_disk $disk p$i; done
	[ $i = 0 ] || [ "$(stat -c %s "$chain/vda.p$i.qcow2")" -lt $((5 << 20)) ]       # and no more than what changed
	since=p$i
done

# A later link changes none before it, and a chain may be of links that are not neighbours.
for i in $(seq 0 10); do for disk in vda vdb vdc; do is_disk $disk p$i; done; done
is "vda.p9.qcow2"       "$(qemu-img info --output=json "$chain/vda.p10.qcow2" | sed -n 's/.*"backing-filename": "\(.*\)".*/\1/p')"
is ""                   "$(qemu-img info "$chain/vdc.p10.qcow2" | grep backing || :)"
mkdir "$backups/p3.."
cp "$backups/p3../vda.since-p3.qcow2" "$chain"
content web vda > "$chain/vda.since-p3.sum"
is_disk vda since-p3
rmdir "$backups/p3.."
is "$(seq -f p%g 0 10 | xargs)" "$(virsh checkpoint-list web --name --topological | xargs)"
is "" "$(cat "$mnt/web/error")"
proves "backup: ranges, a chain of ten increments is exactly the disk"
