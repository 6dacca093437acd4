#!/bin/bash
# The backups of a domain that is undefined go with it, as far as nobody can see them any more; another hypervisor's stay.
. tests/vm.sh
backups=$mnt/web/backups
image web.qcow2 qcow2 8M

# left: of any backup
left() {
	find /var/lib/domfs /run/domfs -mindepth 1 2> /dev/null || :
	ls "$tmp" | grep domfs- || :
	pgrep -af qemu-storage-daemon || :
}

for state in running "shut off"; do
	define web "$(disk vda virtio qcow2 web.qcow2)"
	[ "$state" != running ] || virsh --quiet start web > /dev/null
	mount_domfs qemu:///system
	mkdir "$backups/one"
	unmount
	kill -0 "$(pgrep -f "qemu-storage-daemon|qemu-system" | head -1)"
	[ "$state" != running ] || virsh --quiet destroy web
	virsh --quiet undefine web --checkpoints-metadata
	of=$(echo /var/lib/domfs/*)
	cp -r "$of" "$tmp/other"
	mount_domfs qemu:///system
	is ""                   "$(left)"
	unmount

	mv "$tmp/other" "$of"
	echo "qemu:///system?root=/elsewhere" > "$of/backup-one/hypervisor"
	mount_domfs qemu:///system
	is "backup-one"         "$(ls "$of")"
	unmount
	rm -r "$of"
done
# While a mount is up, its images are free at once
define web "$(disk vda virtio qcow2 web.qcow2)"
mount_domfs qemu:///system
mkdir "$backups/one"
virsh --quiet undefine web
for _ in $(seq 50); do pgrep -f qemu-storage-daemon > /dev/null || break; sleep 0.1; done
qemu-io -f qcow2 -c 'write 0 512' "$tmp/web.qcow2" > /dev/null
unmount
mount_domfs qemu:///system
is ""                           "$(left)"
proves "death: what is left of an undefined domain is cleared away"
