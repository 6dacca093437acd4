#!/bin/bash
# External snapshots made and removed, an image copied or resized: the checkpoints before and after go on counting.
. tests/vm.sh
image vda.qcow2 qcow2 16M
start web "$(disk vda virtio qcow2 vda.qcow2)"
mount_domfs qemu:///system -o cache=0
cd "$mnt/web"
changed() { awk '{ print $2 }' "checkpoints/$1/changed"; }

# holding NAME: the images that hold a bitmap of it, once the guest is off
holding() {
	for file in vda.qcow2 vda.one vda.two; do
		[ ! -e "$tmp/$file" ] || ! qemu-img info -U --output=json "$tmp/$file" |
			jq -e --arg name "$1" '.["format-specific"].data.bitmaps // [] | any(.name == $name)' > /dev/null || echo $file
	done | xargs
}

mkdir checkpoints/before
guest_writes web vda 0 64k 1
virsh --quiet snapshot-create-as web one --disk-only > /dev/null
guest_writes web vda 1M 64k 2
is "vda ok"                     "$(cat checkpoints/before/status)"
is "131072"                     "$(changed before)"
mkdir checkpoints/between
virsh --quiet snapshot-create-as web two --disk-only > /dev/null
guest_writes web vda 2M 64k 3
is "196608"                     "$(changed before)"
is "65536"                      "$(changed between)"
mkdir checkpoints/after

echo "off, the whole chain is looked at"
echo destroyed > state
is "vda.qcow2 vda.one vda.two"  "$(holding before)"
is "vda.one vda.two"            "$(holding between)"
is "vda.two"                    "$(holding after)"
for name in before between after; do is "vda ok" "$(cat checkpoints/$name/status)"; done
qemu-img bitmap --add "$tmp/vda.qcow2" after            # a gap
is "vda inconsistent"           "$(cat checkpoints/after/status)"
qemu-img bitmap --remove "$tmp/vda.qcow2" after
qemu-img bitmap --remove "$tmp/vda.two" after           # not in what is written to
is "vda missing"                "$(cat checkpoints/after/status)"
mkdir checkpoints/off
is "vda ok"                     "$(cat checkpoints/off/status)"
is "vda.two"                    "$(holding off)"
rmdir checkpoints/after
echo running > state
is "196608"                     "$(changed before)"
is "65536"                      "$(changed between)"

echo "the snapshots go"
virsh --quiet snapshot-delete web one > /dev/null
is "vda ok"                     "$(cat checkpoints/between/status)"
is "196608"                     "$(changed before)"
virsh --quiet snapshot-delete web two > /dev/null
is "vda ok"                     "$(cat checkpoints/before/status)"
is "196608"                     "$(changed before)"
guest_writes web vda 3M 64k 4
is "262144"                     "$(changed before)"
rmdir checkpoints/before
is "vda ok"                     "$(cat checkpoints/between/status)"

echo "off, it is removed from the whole chain"
virsh --quiet snapshot-create-as web one --disk-only > /dev/null
virsh --quiet snapshot-create-as web two --disk-only > /dev/null
echo destroyed > state
is "vda.qcow2 vda.one vda.two"  "$(holding between)"
rmdir checkpoints/between
is ""                           "$(holding between)"
is "vda.qcow2 vda.one vda.two"  "$(holding off)"

echo "and where a crash left none in the active layer"
echo running > state
virsh --quiet blockcommit web vda --active --pivot --wait > /dev/null
rm "$tmp/vda.one" "$tmp/vda.two"
for name in one two; do virsh --quiet snapshot-delete web $name --metadata > /dev/null; done
is "vda ok"                     "$(cat checkpoints/off/status)"
virsh --quiet snapshot-create-as web one --disk-only > /dev/null
kill -KILL $(cat /run/libvirt/qemu/web.pid)
until [ "$(virsh domstate web)" = "shut off" ]; do sleep 0.1; done
is "vda missing"                "$(cat checkpoints/off/status)"
is "vda.qcow2"                  "$(holding off)"
echo running > state
is "vda missing"                "$(cat checkpoints/off/status)"
rmdir checkpoints/off
echo destroyed > state
is ""                           "$(holding off)$(virsh checkpoint-list web --name)"

echo "the image is copied, and grows"
echo running > state
mkdir checkpoints/copied
guest_writes web vda 0 64k 5
virsh --quiet blockcopy web vda "$tmp/copy.qcow2" --format qcow2 --transient-job --wait --pivot > /dev/null
is "$tmp/copy.qcow2"            "$(of_disk web vda source/@file)"
is "vda ok"                     "$(cat checkpoints/copied/status)"
is "65536"                      "$(changed copied)"
virsh --quiet blockresize web vda 32M > /dev/null
guest_writes web vda 24M 64k 6
is "vda ok"                     "$(cat checkpoints/copied/status)"
[ "$(changed copied)" -ge 131072 ]
rmdir checkpoints/copied
proves "checkpoint: counts on over external snapshots, copies and resizes"
cd /
