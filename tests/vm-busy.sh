#!/bin/bash
# While another client's backup, save, snapshot or block job runs, every change that would wait for it is refused at
# once and names it; job shows it, and can end it by force. libvirt would keep each of them for 30 s and then fail.
. tests/vm.sh
domain=web
image base.qcow2 qcow2 64M
qemu-io -f qcow2 -c 'write -P 1 0 64M' "$tmp/base.qcow2" > /dev/null
image vda.qcow2 qcow2 64M -b "$tmp/base.qcow2" -F qcow2
start web "$(disk vda virtio qcow2 vda.qcow2)"
mkdir "$tmp/saves"
mount_domfs qemu:///system -o saves="$tmp/saves"
cd "$mnt/web"
mkdir snapshots/one

# all_refused WHAT: each change that libvirt would keep waiting
all_refused() {
	local why="web is busy: $1 of another client; wait, or see its file job"

	refused "$why" mkdir snapshots/two
	refused "$why" rmdir snapshots/one
	refused "$why" mv snapshots/one current/
	refused "$why" sh -c 'echo hello > snapshots/one/description'
	refused "$why" mkdir backups/monday
}

looks_answer() {
	within 1 cat state disks domain.xml > /dev/null
	within 1 ls -lR . > /dev/null
}

# states_refused WHAT
states_refused() {
	local why="web is busy: $1 of another client; wait, or see its file job"

	for state in running paused shutoff reset; do refused "$why" sh -c "echo $state > state"; done
}

# states_work: the guest may stop and go on
states_work() {
	echo paused > state
	is "paused"               "$(virsh domstate web)"
	echo running > state
}

job() { awk -v what="$1" '$1 == what { print $2 }' job; }

# force_cancel: without force it is not ours to end
force_cancel() {
	refused "another client began that: write job to options/force" sh -c 'echo cancel > job'
	echo job > options/force
	within 2 sh -c 'echo cancel > job'
	is "none"                 "$(cat job)"
}

echo "a backup"
cat > "$tmp/backup.xml" <<-END
	<domainbackup mode='pull'><server transport='unix' socket='/run/libvirt/qemu/other.sock'/>
	<disks><disk name='vda' backup='yes' type='file'><scratch file='/var/lib/libvirt/images/scratch'/></disk></disks></domainbackup>
END
chmod 777 /var/lib/libvirt/images /run/libvirt/qemu
virsh --quiet backup-begin web "$tmp/backup.xml" > /dev/null
all_refused "backup"
looks_answer
states_work
for state in shutoff destroyed; do refused "another client backs it up: wait, or write state to options/force" sh -c "echo $state > state"; done
is "backup"                       "$(job operation)"
is "another"                      "$(job owner)"
force_cancel
proves "job: a backup of another client is seen, and ended by force"

echo "a save"
virsh --quiet save web "$tmp/web.save" > /dev/null & saving=$!
until helper=$(pgrep -f "libvirt_iohelper $tmp/web.save"); do kill -0 "$saving"; done
kill -STOP $helper
until [ "$(virsh domstate web --reason)" = "paused (saving)" ]; do sleep 0.05; done
all_refused "save"
looks_answer
states_refused "save"
is "save"                         "$(job operation)"
kill -CONT $helper
wait "$saving" || :
proves "job: a save of another client is seen"
virsh --quiet restore "$tmp/web.save" > /dev/null
sleep 1.1

echo "a snapshot"
qemu=$(cat /run/libvirt/qemu/web.pid)
kill -STOP "$qemu"
virsh --quiet snapshot-create-as web theirs > /dev/null & saving=$!
until [ "$(virsh domcontrol web | cut -d' ' -f1)" != ok ]; do sleep 0.05; done
sleep 0.5
all_refused "unknown job"
if timeout 1 virsh dumpxml web > /dev/null; then
	looks_answer
	proves "listing: disks and domain.xml, during a snapshot of another client"
else
	lacks "listing: disks and domain.xml, during a snapshot of another client" "libvirt keeps who asks for a definition waiting"
fi
states_refused "unknown job"
is "unknown"                      "$(job operation)"
refused "another client began that: write job to options/force" sh -c 'echo cancel > job'
echo job > options/force
refused "libvirt cannot cancel what another client does to web: wait for it" sh -c 'echo cancel > job'
echo > options/force
kill -CONT "$qemu"
wait "$saving"
proves "job: a snapshot of another client is seen"
virsh --quiet snapshot-delete web theirs > /dev/null

echo "block jobs"
virsh --quiet blockcopy web vda "$tmp/copy.qcow2" --format qcow2 --transient-job > /dev/null
all_refused "block-copy vda"
looks_answer
states_work
is "block-copy vda"               "$(job operation) $(job name)"
force_cancel
virsh --quiet blockpull web vda --bandwidth 1 --bytes > /dev/null
all_refused "block-pull vda"
looks_answer
states_work
is "67108864"                     "$(job total)"
force_cancel
is "running"                      "$(cat state)"
mkdir snapshots/two                                                     # nothing of it is left
is "one two"                      "$(ls snapshots | xargs)"
proves "job: block jobs of other clients are seen, and ended by force"
cd /
