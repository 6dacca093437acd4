#!/bin/bash
# After kill -9 of QEMU, and after others have removed a bitmap, the status says what is lost, and rmdir gets rid of it.
. tests/vm.sh
for name in vda vdb new; do image $name.qcow2 qcow2 16M; done
start web "$(disk vda virtio qcow2 vda.qcow2)$(disk vdb virtio qcow2 vdb.qcow2)"
mount_domfs qemu:///system -o cache=0
cd "$mnt/web"

# bitmaps: what is left of any, by the guest that runs or by the images of one that is off
bitmaps() {
	virsh qemu-monitor-command web '{"execute": "query-named-block-nodes"}' 2> /dev/null |
		jq -r '.return[] | .["dirty-bitmaps"][]? | .name'
	for disk in vda vdb; do
		qemu-img info -U --output=json "$tmp/$disk.qcow2" | jq -r '.["format-specific"].data.bitmaps // [] | .[].name'
	done
}

status() { xargs < "checkpoints/$1/status"; }

crash() {
	local qemu
	qemu=$(cat /run/libvirt/qemu/web.pid)
	kill -KILL "$qemu"
	until [ "$(virsh domstate web)" = "shut off" ]; do sleep 0.1; done
}

# made: old was stored by an end of the guest, late was not
made() {
	mkdir checkpoints/old
	echo destroyed > state
	echo running > state
	mkdir checkpoints/middle checkpoints/late
}

# gone: each of them goes, and a new one of its name can be made
gone() {
	rmdir checkpoints/middle
	is "../old"                     "$(readlink checkpoints/late/parent)"
	rmdir checkpoints/late checkpoints/old
	is ""                           "$(bitmaps)$(ls checkpoints)$(virsh checkpoint-list web --name)"
	mkdir checkpoints/old checkpoints/late
	is "vda ok vdb ok"              "$(status old)"
	rmdir checkpoints/old checkpoints/late
	is ""                           "$(bitmaps)"
}

echo "a guest that has crashed and is off"
made
crash
is "vda inconsistent vdb inconsistent" "$(status old)"
is "vda missing vdb missing"            "$(status late)"
gone

echo "a guest that runs again after its crash"
echo running > state
made
crash
echo running > state
is "vda inconsistent vdb inconsistent" "$(status old)"
is "vda missing vdb missing"            "$(status late)"
is "vda - vdb -"                        "$(xargs < checkpoints/old/changed)"
gone

echo "one bitmap of many is removed behind our back"
mkdir checkpoints/one checkpoints/two checkpoints/three
echo destroyed > state
qemu-img bitmap --remove "$tmp/vdb.qcow2" two
is "vda ok vdb missing"                 "$(status two)"
is "vda ok vdb ok"                      "$(status three)"
echo running > state
is "vda ok vdb missing"                 "$(status two)"
is "vda - vdb -"                        "$(xargs < checkpoints/two/changed | sed 's/vda [0-9]*/vda -/')"
rmdir checkpoints/two
is "one three"                          "$(ls checkpoints | sort -r | xargs | awk '{ print $2, $1 }')"
is "../one"                             "$(readlink checkpoints/three/parent)"
is "2"                                  "$(virsh checkpoint-list web --name | grep -c .)"
is ""                                   "$(bitmaps | grep two || :)"
mkdir checkpoints/two
is "vda ok vdb ok"                      "$(status two)"
is "../three"                           "$(readlink checkpoints/two/parent)"

echo "a bitmap that does not record is no use either"
echo destroyed > state
qemu-img bitmap --disable "$tmp/vda.qcow2" three
is "vda inconsistent vdb ok"            "$(status three)"
echo running > state
is "vda inconsistent vdb ok"            "$(status three)"
rmdir checkpoints/three

echo "a disk that was added since, and one that has gone"
echo destroyed > state
virsh --quiet attach-disk web "$tmp/new.qcow2" vdc --subdriver qcow2 --config > /dev/null
is "vda ok vdb ok"                      "$(status two)"
virsh --quiet detach-disk web vdb --config > /dev/null
is "vda ok vdb missing"                 "$(status two)"
echo running > state
is "vda ok vdb missing"                 "$(status two)"
mkdir checkpoints/four
is "vda ok vdc ok"                      "$(status four)"
rmdir checkpoints/one checkpoints/two checkpoints/four
is ""                                   "$(virsh checkpoint-list web --name)"
is ""                                   "$(find /var/lib/domfs -mindepth 1)"
proves "checkpoint: what is lost is told, and can be removed"
cd /
