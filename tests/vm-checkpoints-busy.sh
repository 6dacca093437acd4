#!/bin/bash
# Beside a backup checkpoints come and go. While anything else runs, nothing waits for it: what cannot be asked is
# unknown, and a change is refused at once.
. tests/vm.sh
domain=web
image base.qcow2 qcow2 64M
qemu-io -f qcow2 -c 'write -P 1 0 64M' "$tmp/base.qcow2" > /dev/null
image vda.qcow2 qcow2 64M -b "$tmp/base.qcow2" -F qcow2
start web "$(disk vda virtio qcow2 vda.qcow2)"
mount_domfs qemu:///system -o cache=0
cd "$mnt/web"
mkdir checkpoints/one
guest_writes web vda 0 64k 2

# all_refused WHAT
all_refused() {
	local why="web is busy: $1; wait, or see its file job"

	refused "$why" mkdir checkpoints/two
	refused "$why" rmdir checkpoints/one
	within 1 ls -lR checkpoints > /dev/null
}

shows() { is "$1" "$(xargs < "checkpoints/one/$2")"; }
lists() { is "$1" "$(ls checkpoints | xargs)"; }

# says_unknown: what QEMU would have to be asked
says_unknown() {
	within 1 shows "vda unknown" status
	within 1 shows "vda -" changed
	within 1 grep -q '<name>one</name>' checkpoints/one/checkpoint.xml
	within 1 lists "one"
}

says_ok() {
	within 1 shows "vda ok" status
	within 1 shows "vda 65536" changed
}

# come_and_go: beside what runs
come_and_go() {
	within 1 mkdir checkpoints/two
	lists "one two"
	is "vda ok"             "$(cat checkpoints/two/status)"
	within 1 rmdir checkpoints/two
	lists "one"
}

echo "a backup of ours"
mkdir backups/monday
says_ok
come_and_go
is "full pull"                  "$(head -2 backups/monday/type | xargs)"
rmdir backups/monday

echo "a backup of another client"
cat > "$tmp/backup.xml" <<-END
	<domainbackup mode='pull'><server transport='unix' socket='/run/libvirt/qemu/other.sock'/>
	<disks><disk name='vda' backup='yes' type='file'><scratch file='/var/lib/libvirt/images/scratch'/></disk></disks></domainbackup>
END
chmod 777 /var/lib/libvirt/images /run/libvirt/qemu
virsh --quiet backup-begin web "$tmp/backup.xml" > /dev/null
says_ok
come_and_go
virsh --quiet domjobabort web > /dev/null
until virsh domjobinfo web | grep -q None; do sleep 0.1; done

echo "block jobs"
virsh --quiet blockcopy web vda "$tmp/copy.qcow2" --format qcow2 --transient-job > /dev/null
all_refused "block-copy vda of another client"
says_ok
virsh --quiet blockjob web vda --abort > /dev/null
virsh --quiet blockpull web vda --bandwidth 1 --bytes > /dev/null
all_refused "block-pull vda of another client"
says_ok
virsh --quiet blockjob web vda --abort > /dev/null

echo "a save that takes long"
virsh --quiet save web "$tmp/web.save" > /dev/null & saving=$!
until helper=$(pgrep -f "libvirt_iohelper $tmp/web.save"); do kill -0 "$saving"; done
kill -STOP $helper
until [ "$(virsh domstate web --reason)" = "paused (saving)" ]; do sleep 0.05; done
all_refused "save of another client"
says_unknown
kill -CONT $helper
wait "$saving" || :
is "vda ok"                     "$(cat checkpoints/one/status)" # by its image, now that it is off
virsh --quiet restore "$tmp/web.save" > /dev/null
says_ok

echo "a QEMU that does not answer"
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP "$qemu"
virsh --quiet snapshot-create-as web theirs > /dev/null & theirs=$!
until [ "$(virsh domcontrol web | cut -d' ' -f1)" != ok ]; do sleep 0.05; done
sleep 0.5
all_refused "unknown job of another client"
says_unknown
kill -CONT "$qemu"
wait $theirs
virsh --quiet snapshot-delete web theirs > /dev/null
says_ok
rmdir checkpoints/one
proves "checkpoint: beside a backup, and refused at once beside other jobs"
cd /
