#!/bin/bash
# A QEMU that does not answer hangs nobody but those who ask for it, and them for no longer than -o timeout=.
. tests/vm.sh
for name in web db; do
	image $name.qcow2 qcow2 16M
	start $name "$(disk vda virtio qcow2 $name.qcow2)"
done
mount_domfs qemu:///system -o timeout=5
cd "$mnt"
mkdir web/snapshots/one web/checkpoints/{a,b}
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP "$qemu"
within 1 ls -lR web > /dev/null                         # looking asks no guest

for i in $(seq 60); do
	cat web/state & cat web/disks & cat web/job & ls web/snapshots & mkdir "web/snapshots/s$i" &
done > /dev/null 2>&1
sleep 1
clients=$(jobs -r | grep -c web)
echo "$clients of 300 clients wait"
within 1 is "db web" "$(ls | xargs)"
within 1 is "running" "$(cat db/state)"
within 1 ls -l db/snapshots
within 1 grep -q vda db/disks
within 1 mkdir db/snapshots/one
within 1 rmdir db/snapshots/one
sleep 10
is "" "$(jobs -r | grep web || :)"                      # all were answered by now
within 6 cat web/disks
kill -CONT "$qemu"

end=$((SECONDS + 5))
until mkdir web/snapshots/after 2>/dev/null; do [ $SECONDS -lt $end ]; sleep 0.2; done
is "running" "$(cat web/state)"
proves "connection: a QEMU that does not answer"
cd /
