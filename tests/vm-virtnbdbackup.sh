#!/bin/bash
# A disk that virtnbdbackup saved in a chain and restored, and domfs's copy of it, have the same bytes.
. tests/vm.sh
command -v virtnbdbackup > /dev/null || skip "virtnbdbackup is not installed"
image one.qcow2 qcow2 64M
image two.raw raw 16M
start web "$(disk vda virtio qcow2 one.qcow2)$(disk vdb virtio raw two.raw)"
mount_domfs qemu:///system
out=$tmp/out
mkdir -m 777 "$out" "$tmp/theirs"
guest_writes web vda 3M 5M 1
guest_writes web vdb 1M 1M 2

# theirs LEVEL, ours NAME: a backup of the guest as it is; it writes nothing by itself
theirs() {
	virtnbdbackup --uri qemu:///system --noprogress -d web -l "$1" --raw -o "$tmp/theirs" > "$tmp/said" 2>&1 ||
		{ cat "$tmp/said"; exit 1; }
}
ours() {
	mkdir "$mnt/web/backups/$1"
	cp "$mnt/web/backups/$1"/vd* "$out/"
	rmdir "$mnt/web/backups/$1"
}

theirs full
guest_writes web vda 7M 3M 3
guest_writes web vda 60M 100000 4
guest_writes web vdb 0 4096 5
theirs inc
ours full..mon                                          # which refuses to go on beside checkpoints of others, and we do not
model=$(content web vda)

mkdir -m 777 "$tmp/restored"
virtnbdrestore -i "$tmp/theirs" -o "$tmp/restored" > "$tmp/said" 2>&1 || { cat "$tmp/said"; exit 1; }
qemu-img convert -O raw "$tmp/restored/one.qcow2" "$tmp/theirs.raw"
qemu-img convert -O raw "$out/vda.mon.qcow2" "$tmp/ours.raw"
cmp "$tmp/theirs.raw" "$tmp/ours.raw"
is "$model"     "$(sha256sum < "$tmp/ours.raw")"

# And from one of their checkpoints on
guest_writes web vda 20M 1M 6
mkdir "$mnt/web/backups/virtnbdbackup.1..tue"
is "vda incremental vda.tue.qcow2" "$(grep vda "$mnt/web/backups/virtnbdbackup.1..tue/type")"
cp "$mnt/web/backups/virtnbdbackup.1..tue/vda.tue.qcow2" "$out/"
is "vda.virtnbdbackup.1.qcow2" "$(qemu-img info -U --output=json "$out/vda.tue.qcow2" | sed -n 's/.*"backing-filename": "\(.*\)".*/\1/p')"
ln "$tmp/restored/one.qcow2" "$out/vda.virtnbdbackup.1.qcow2"          # what they restored is what it rests on
qemu-img convert -O raw "$out/vda.tue.qcow2" "$tmp/ours.raw"
is "$(content web vda)" "$(sha256sum < "$tmp/ours.raw")"
echo cancel > "$mnt/web/job"
rmdir "$mnt/web/backups/virtnbdbackup.1..tue"
is "mon virtnbdbackup.0 virtnbdbackup.1" "$(ls "$mnt/web/checkpoints" | xargs)"
rmdir "$mnt"/web/checkpoints/*
proves "backup: ranges, the same bytes as virtnbdbackup"
