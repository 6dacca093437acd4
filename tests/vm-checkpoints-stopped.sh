#!/bin/bash
# A checkpoint of a domain that is off is a bitmap in each image and libvirt's note; it counts from the start on.
. tests/vm.sh
image base.qcow2 qcow2 16M
image vda.qcow2 qcow2 16M -b base.qcow2 -F qcow2
image vdb.qcow2 qcow2 16M
image raw.img raw 1M
image old.qcow2 qcow2 1M -o compat=0.10
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio qcow2 vdb.qcow2)$(disk vdc virtio raw raw.img)$(disk vdd virtio qcow2 old.qcow2)
	<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>"
mount_domfs qemu:///system -o cache=0
cd "$mnt/web"

# in_images: the bitmaps of each, and how they are
in_images() {
	for disk in vda vdb; do
		qemu-img info -U --output=json "$tmp/$disk.qcow2" |
			jq -r --arg disk $disk '.["format-specific"].data.bitmaps // [] | sort_by(.name)[] | "\($disk) \(.name) \(.flags | join(","))"'
	done
}

changed() { awk -v disk="$2" '$1 == disk { print $2 }' "checkpoints/$1/changed"; }
disks="vda ok vdb ok vdc none vdd none sdc none"

mkdir checkpoints/one
guest_writes web vda 0 64k 1
echo destroyed > state
is "$disks"                     "$(xargs < checkpoints/one/status)"
is "-"                          "$(changed one vda)"
mkdir checkpoints/off
is "one off"                    "$(virsh checkpoint-list web --name --topological | xargs)"
is "../one"                     "$(readlink checkpoints/off/parent)"
is "$disks"                     "$(xargs < checkpoints/off/status)"
is "vda off auto
vda one auto
vdb off auto
vdb one auto"                   "$(in_images)"

echo "it counts once the guest runs, as one that libvirt made"
echo running > state
is "$disks"                     "$(xargs < checkpoints/off/status)"
is "0"                          "$(changed off vda)"
guest_writes web vda 1M 128k 2
is "131072"                     "$(changed off vda)"
is "196608"                     "$(changed one vda)"
mkdir checkpoints/on
is "../off"                     "$(readlink checkpoints/on/parent)"
rmdir checkpoints/off
is "../one"                     "$(readlink checkpoints/on/parent)"

echo "it goes with its bitmaps"
echo destroyed > state
mkdir checkpoints/last
rmdir checkpoints/on
is "one last"                   "$(virsh checkpoint-list web --name --topological | xargs)"
is "../one"                     "$(readlink checkpoints/last/parent)"
is "vda last auto
vda one auto
vdb last auto
vdb one auto"                   "$(in_images)"
rmdir checkpoints/one
fails ls -d checkpoints/last/parent
mkdir checkpoints/one                                   # nothing is left that would block the name
is "../last"                    "$(readlink checkpoints/one/parent)"

echo "an image that somebody holds open"
qemu-io -r -f qcow2 "$tmp/vdb.qcow2" -c 'sleep 60000' > /dev/null & reader=$!
sleep 0.5
busy="another process has $tmp/vdb.qcow2 open: wait until it is done, see lsof $tmp/vdb.qcow2"
was=$(in_images)
says "$busy" mkdir checkpoints/two
says "$busy" rmdir checkpoints/one
is "$was"                       "$(in_images)"
is "$disks"                     "$(xargs < checkpoints/one/status)"
kill $reader
wait $reader || :

echo "a bitmap that libvirt does not know"
qemu-img bitmap --add "$tmp/base.qcow2" orphan
orphan="$tmp/base.qcow2 holds a bitmap orphan that libvirt does not know: take another name, or remove it by qemu-img bitmap --remove while the domain is off"
says "$orphan" mkdir checkpoints/orphan
echo running > state
says "$orphan" mkdir checkpoints/orphan
echo destroyed > state
qemu-img bitmap --remove "$tmp/base.qcow2" orphan

echo "an image that cannot be written to"
was=$(in_images)
mount --bind -o ro "$tmp/vdb.qcow2" "$tmp/vdb.qcow2"
says "$tmp/vdb.qcow2 of vdb cannot be changed from here: start the domain first" mkdir checkpoints/two
umount "$tmp/vdb.qcow2"

echo "the second image takes no bitmap: the first one loses it again"
printf '\200' | dd of="$tmp/vdb.qcow2" bs=1 seek=72 conv=notrunc 2> /dev/null          # a feature that QEMU does not know
fails mkdir checkpoints/two
printf '\0' | dd of="$tmp/vdb.qcow2" bs=1 seek=72 conv=notrunc 2> /dev/null
is "$was"                       "$(in_images)"
is "last one"                   "$(virsh checkpoint-list web --name --topological | xargs)"
is ""                           "$(find /var/lib/domfs -mindepth 1)"
mkdir checkpoints/two

echo "this libvirt makes no internal snapshot beside them"
virsh --quiet detach-disk web vdc --config > /dev/null
virsh --quiet detach-disk web vdd --config > /dev/null
if mkdir snapshots/one 2> /dev/null; then
	is "one"                "$(virsh snapshot-list web --name | xargs)"
else
	is "web is off and has checkpoint two, and this libvirt makes no snapshot then: start it, or rmdir its checkpoints" \
				"$(sed 's/^[^ ]* [^:]*: //' error)"
	is ""                   "$(virsh snapshot-list web --name | xargs)$(qemu-img snapshot -l "$tmp/vda.qcow2")"
fi

rmdir checkpoints/*
is ""                           "$(in_images)$(virsh checkpoint-list web --name)"
is ""                           "$(find /var/lib/domfs -mindepth 1)"
proves "checkpoint: of a stopped domain"
cd /
