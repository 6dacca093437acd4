#!/bin/bash
# A hypervisor inside domfs itself: no daemon, and the guest and its backup outlive who mounted them.
. tests/vm.sh
root=$tmp/root
uri=qemu:///embed?root=$root
mkdir -p "$root/etc" "$root/cache/qemu/capabilities"
cp /etc/libvirt/qemu.conf "$root/etc/"
cp -p /var/cache/libvirt/qemu/capabilities/* "$root/cache/qemu/capabilities/" 2>/dev/null || :
image web.qcow2 qcow2 64M
domain_xml web qemu 32 "" "$(disk vda virtio qcow2 web.qcow2)" > "$tmp/web.xml"
virsh --quiet -c "$uri" "define $tmp/web.xml; start web" > /dev/null 2>&1
mount_domfs "$uri"
cd "$mnt"

is "running"    "$(cat web/state)"
is "vda qcow2 67108864 yes $tmp/web.qcow2" "$(xargs < web/disks)"
mkdir web/snapshots/one
mv web/snapshots/one web/current/
is "one"        "$(ls web/current)"
mkdir web/backups/monday
cmp web/backups/monday/vda.raw <(head -c 64M /dev/zero)
cd /
unmount                                                 # a guest goes on, and so does its backup

mount_domfs "$uri"
cd "$mnt/web"
is "full pull vda full vda.raw quiesced no" "$(xargs < backups/monday/type)"
cmp backups/monday/vda.raw <(head -c 64M /dev/zero)
rmdir backups/monday snapshots/one
echo destroyed > state
is "shutoff"    "$(cat state)"
is ""           "$(cat error)"
proves "connection: embed, without a daemon"
cd /
