#!/bin/bash
# Going back needs the networks that the guest had then: without them libvirt would end the guest and not start it.
. tests/vm.sh
domain=web
image vda.qcow2 qcow2 16M
echo "<network><name>lan</name><bridge name='virbr7'/></network>" > "$tmp/lan.xml"
virsh --quiet net-define "$tmp/lan.xml"
virsh --quiet net-start lan > /dev/null || skip "no bridges can be made here"
start web "$(disk vda virtio qcow2 vda.qcow2)<interface type='network'><source network='lan'/></interface>"
mount_domfs qemu:///system
cd "$mnt/web"

mkdir snapshots/one
mv snapshots/one current/
virsh --quiet net-destroy lan > /dev/null
refused "network lan, which web had then, does not run: virsh net-start lan first" mv snapshots/one current/
is "running"                      "$(virsh domstate web)"
virsh --quiet net-undefine lan > /dev/null
refused "network lan, which web had then, does not run: virsh net-start lan first" mv snapshots/one current/
virsh --quiet net-define "$tmp/lan.xml"
virsh --quiet net-start lan
mv snapshots/one current/
is "running"                      "$(cat state)"
proves "revert: refused while its network does not run"
cd /
