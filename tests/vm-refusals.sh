#!/bin/bash
# What would fail half-way, kill the guest or leave something behind is refused before libvirt is asked, within a
# second, with a sentence; and nothing has changed then.
. tests/vm.sh
domain=web
image vda.qcow2 qcow2 16M
image vdb.qcow2 qcow2 8M
start web "$(disk vda virtio qcow2 vda.qcow2) $(disk vdb virtio qcow2 vdb.qcow2)"
mkdir "$tmp/saves"
mount_domfs qemu:///system -o saves="$tmp/saves"
cd "$mnt/web"

# unchanged: the guest that ran still does, by its process
qemu=$(cat /run/libvirt/qemu/web.pid)
unchanged() {
	is "running" "$(virsh domstate web)"
	is "$qemu" "$(cat /run/libvirt/qemu/web.pid)"
}

# with the guest off
off() {
	echo destroyed > state
	"$@"
	echo running > state
	qemu=$(cat /run/libvirt/qemu/web.pid)
}

# tags that libvirt does not know
orphan() { qemu-img snapshot -c lost "$tmp/vdb.qcow2"; }
off orphan
refused "$tmp/vdb.qcow2 holds a snapshot lost that libvirt does not know: take another name, or remove it by qemu-img snapshot -d" \
	mkdir snapshots/lost
unchanged

# a tag that one of the images does not hold, or holds twice
mkdir snapshots/one
remove() { qemu-img snapshot -d one "$tmp/vdb.qcow2"; }
off remove
refused "$tmp/vdb.qcow2 holds no snapshot one, see qemu-img snapshot -l: nothing was changed" mv snapshots/one current/
unchanged
twice() { qemu-img snapshot -c one "$tmp/vdb.qcow2"; qemu-img snapshot -c one "$tmp/vdb.qcow2"; }
off twice
refused "$tmp/vdb.qcow2 holds more than one snapshot one, see qemu-img snapshot -l: nothing was changed" mv snapshots/one current/
unchanged
off rmdir snapshots/one                                                 # both go
is "lost" "$(qemu-img snapshot -U -l "$tmp/vdb.qcow2" | awk 'NR > 2 { print $2 }')"

# an image that is not there any more
mkdir snapshots/one
echo destroyed > state
mv "$tmp/vdb.qcow2" "$tmp/elsewhere"
refused "$tmp/vdb.qcow2, which web had then, is not there: nothing was changed" mv snapshots/one current/
refused "$tmp/vdb.qcow2 cannot be read: No such file or directory" rmdir snapshots/one
is "one" "$(ls snapshots)"
mv "$tmp/elsewhere" "$tmp/vdb.qcow2"

# an image that somebody holds open
qemu-io -r -f qcow2 "$tmp/vda.qcow2" -c 'sleep 60000' > /dev/null & reader=$!
sleep 0.5
busy="another process has $tmp/vda.qcow2 open: wait until it is done, see lsof $tmp/vda.qcow2"
refused "$busy" rmdir snapshots/one
refused "$busy" mkdir snapshots/two
is "1" "$(qemu-img snapshot -U -l "$tmp/vda.qcow2" | grep -c one)"
kill "$reader"
wait "$reader" || :
echo running > state
qemu=$(cat /run/libvirt/qemu/web.pid)

# a checkpoint, with which going back would kill the guest
virsh --quiet checkpoint-create-as web c1 > /dev/null
virsh --quiet checkpoint-create-as web c2 > /dev/null
with="with which going back would kill the guest"
refused "web has checkpoint c2, $with: rmdir the checkpoints first, or write one to options/force" mv snapshots/one current/
unchanged
mkdir snapshots/two                                                     # side by side they may be
is "c1 c2" "$(virsh checkpoint-list web --name | xargs)"
echo one > options/force
mv snapshots/one current/
is "" "$(virsh checkpoint-list web --name)$(cat options/force)"
echo destroyed > state
qemu-img bitmap --add "$tmp/vda.qcow2" stray
echo running > state
qemu=$(cat /run/libvirt/qemu/web.pid)
refused "$tmp/vda.qcow2 holds a bitmap stray that libvirt does not know, $with: qemu-img bitmap --remove it while the guest is off" \
	mv snapshots/one current/
unchanged
echo destroyed > state
qemu-img bitmap --remove "$tmp/vda.qcow2" stray
echo running > state
rmdir snapshots/two

# external ones above an internal one
virsh --quiet snapshot-create-as web above --disk-only > /dev/null
qemu=$(cat /run/libvirt/qemu/web.pid)
sleep 1.1
refused "external snapshots rest on one, and going back would destroy them: rmdir them first" mv snapshots/one current/
unchanged
reverts_external || refused "above is external, and this libvirt cannot go back to those" mv snapshots/above current/
virsh --quiet blockcommit web vda --active --pivot --wait > /dev/null
virsh --quiet blockcommit web vdb --active --pivot --wait > /dev/null
virsh --quiet snapshot-delete web above --metadata > /dev/null

# the memory that libvirt saved
virsh --quiet managedsave web > /dev/null
saved="web has its memory saved, which fits the disks as they are: write running to state, or virsh managedsave-remove first"
sleep 1.1
is "saved" "$(cat state)"
refused "$saved" mkdir snapshots/two
refused "$saved" mv snapshots/one current/
refused "$saved" rmdir snapshots/one
refused "web is off with its memory saved: write running, or virsh managedsave-remove first" sh -c 'echo shutoff > state'
echo running > state
is "running" "$(cat state)"


# firmware that keeps its variables in a file
cp "$tmp/vda.qcow2" "$tmp/uefi.qcow2"
truncate -s 1M "$tmp/code.fd" "$tmp/vars.fd"
start uefi "$(disk vda virtio qcow2 uefi.qcow2)" "<loader readonly='yes' type='pflash'>$tmp/code.fd</loader><nvram>$tmp/vars.fd</nvram>"
domain=uefi
sleep 1.1
reverts_external ||
	refused "no internal snapshot can hold the variables of its firmware; write external to options/storage, which this libvirt cannot revert" \
		mkdir "$mnt/uefi/snapshots/one"
echo internal > "$mnt/uefi/options/storage"
refused "no internal snapshot can hold the variables of its firmware" mkdir "$mnt/uefi/snapshots/one"
proves "revert: refused where the guest would die"
cd /
