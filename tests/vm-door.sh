#!/bin/bash
# Nobody connects to a backup while it is told to end: QEMU before 10 would hang for good, and its guest with it.
. tests/vm.sh
image web.qcow2 qcow2 16M
start web "$(disk vda virtio qcow2 web.qcow2)"
guest_writes web vda 1M 4M 7
mount_domfs qemu:///system
backup=$mnt/web/backups/monday
two=$tmp/two
mkdir "$two"

mount_two() {
	"$DOMFS" -f qemu:///system "$two" 2>>"$tmp/log" & second=$!
	for _ in $(seq 100); do mountpoint -q "$two" && return; sleep 0.1; done
}

unmount_two() {
	kill $second
	wait $second
}

# holds SHARED-OR-EXCLUSIVE: for two seconds, as who connects or ends it does
holds() {
	flock "--$1" /var/lib/domfs/*/backup-monday/socket sleep 2 &
	sleep 0.3
}

# milliseconds COMMAND...
milliseconds() {
	local begin=${EPOCHREALTIME/./}
	"$@" > /dev/null
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}

echo "who ends it waits for who connects"
mkdir "$backup"
holds shared
[ "$(milliseconds rmdir "$backup")" -gt 1000 ]

echo "who connects waits for who ends it"
mkdir "$backup"
mount_two
holds exclusive
[ "$(milliseconds head -c 1 "$two/web/backups/monday/vda.raw")" -gt 1000 ]
[ "$(milliseconds head -c 1 "$two/web/backups/monday/vda.raw")" -lt 1000 ]       # it is connected now
rmdir "$backup"
unmount_two

echo "a second mount opens it for the first time as it ends"
for i in $(seq "${ROUNDS:-8}"); do
	mkdir "$backup"
	mount_two
	ls -l "$two/web/backups/monday" > /dev/null
	cat "$two/web/backups/monday/vda.raw" > /dev/null 2>&1 & cat=$!
	sleep "0.0$((RANDOM % 30 + 10))"
	rmdir "$backup"
	wait $cat || :
	is "ok" "$(timeout 10 virsh domcontrol web | xargs)"
	unmount_two
done
guest_writes web vda 1M 1M 8                            # it lives
cd /
