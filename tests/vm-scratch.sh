#!/bin/bash
# A guest that writes faster than its backup is read fills the scratch file, and goes on nevertheless: also if nobody
# was there to see it, and if who saw it died.
. tests/vm.sh
. tests/die-lib.sh
[ -n "$GUEST" ] || skip "no guest could be made"
mkdir -m 711 "$tmp/scratch"
mount -t tmpfs -o size=16M,mode=711 scratch "$tmp/scratch"
image vdc.raw raw 48M
options="$options -o scratch=$tmp/scratch"
start_guest web "$(disk vdc virtio raw vdc.raw)"

# guest_fills LETTER [MIB]: its disk with that, by its own system, soon: its agent does not answer while it is stopped
guest_fills() {
	in_guest web "(sleep 0.5; dd if=/dev/zero bs=1M count=${2:-48} | tr '\0' $1 | dd of=/dev/vdc bs=64k && sync &&
		echo 'guest: filled with $1' > /dev/ttyS0) > /dev/null 2>&1 &"
}

# filled LETTER [MIB]: the guest has seen no failure
filled() {
	await web "guest: filled with $1"
	sleep 1.2                       # QEMU 10 tells of some errors that late
	is "running" "$(virsh domstate web)"
	is "" "$(head -c $((${2:-48} << 20)) "$tmp/vdc.raw" | tr -d "$1" | head -c 9)"
}

stopped() {
	for _ in $(seq 300); do virsh domstate --reason web | grep -q 'paused (I/O error)' && return; sleep 0.1; done
	virsh domstate --reason web; echo "it is not stopped"; exit 1
}

why() {
	for _ in $(seq 100); do [ "$(sed -n 2p "$backups/$1/type")" = pull ] || break; sleep 0.1; done
	sed -n 2p "$backups/$1/type"
}

guest_fills a
filled a
what_was=$(left)

# The scratch file holds what was overwritten, and no more
mount_domfs $options qemu:///system
mkdir "$backups/small"
guest_fills b 4
filled b 4
used=$(du -k "$tmp/scratch/domfs-small.vdc" | cut -f1)
echo "4096 KiB were written over, $used KiB of scratch hold them"
[ "$used" -ge 4096 ] && [ "$used" -lt 4700 ]
is pull "$(sed -n 2p "$backups/small/type")"
rmdir "$backups/small"

# It fills while we look
for letter in c d e; do
	mkdir "$backups/one"
	guest_fills $letter
	is "ended: scratch was filling $tmp/scratch" "$(why one)"
	filled $letter
	rmdir "$backups/one"
done
unmount
nothing_is_left

# Nobody looks: it waits for the next mount
mount_domfs $options qemu:///system
mkdir "$backups/one"
unmount -KILL
guest_fills f
stopped
mount_domfs $options qemu:///system
is "ended: scratch was filling $tmp/scratch" "$(why one)"
filled f
rmdir "$backups/one"
unmount
nothing_is_left

# The same, but there is room again: the backup goes on as well
mount_domfs $options qemu:///system
sum=$(head -c 48M /dev/zero | tr '\0' f | sha256sum)
mkdir "$backups/one"
unmount
guest_fills g
stopped
mount -o remount,size=128M "$tmp/scratch"
mount_domfs $options qemu:///system
filled g
is "pull" "$(sed -n 2p "$backups/one/type")"
is "$sum" "$(sha256sum < "$backups/one/vdc.raw")"
rmdir "$backups/one"
unmount
mount -o remount,size=16M "$tmp/scratch"
nothing_is_left

# Who is to end it dies on the way
before_filling() {
	letter=$(echo "$letter" | tr a-y b-z)
	mkdir "$backups/one"
	unmount -KILL
	guest_fills "$letter"
	stopped
}
do_filling() { why one > /dev/null; }
judge_filling() {
	local ended
	ended=$(why one)
	[ -z "${1:-}" ] && [ "$ended" = "ended: while no mount was up" ] || is "ended: scratch was filling $tmp/scratch" "$ended"
	filled "$letter"
	rmdir "$backups/one"
}

letter=g
die_at filling
umount "$tmp/scratch"
proves "backup: pull, a full scratch file leaves no guest paused"
