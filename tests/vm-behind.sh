#!/bin/bash
# What virsh does behind domfs's back is seen: at once where libvirt tells of it, within a second where it does not.
. tests/vm.sh
image web.qcow2 qcow2 16M
start web "$(disk vda virtio qcow2 web.qcow2)"
mount_domfs qemu:///system
cd "$mnt"

# soon VALUE COMMAND: that is its output within 2 s
soon() {
	for _ in $(seq 20); do [ "$1" != "$(eval "$2" 2>&1)" ] || return 0; sleep 0.1; done
	is "$1" "$(eval "$2" 2>&1)"
}

is "" "$(ls web/snapshots)"
virsh --quiet snapshot-create-as web one > /dev/null
virsh --quiet snapshot-create-as web two > /dev/null
soon "one two"                    'ls web/snapshots | xargs'
soon "two"                        'ls web/current'
is "mkdir: cannot create directory 'web/snapshots/one': File exists" "$(mkdir web/snapshots/one 2>&1)"
virsh --quiet snapshot-revert web one > /dev/null
soon "one"                        'ls web/current'
virsh --quiet snapshot-delete web one > /dev/null
soon "two"                        'ls web/snapshots'
virsh --quiet snapshot-delete web two > /dev/null
is "rmdir: failed to remove 'web/snapshots/two': No such file or directory" "$(rmdir web/snapshots/two 2>&1)"
soon ""                           'ls web/snapshots web/current | grep -v :$'

virsh --quiet suspend web > /dev/null
soon "paused"                     'cat web/state'
virsh --quiet destroy web > /dev/null
soon "shutoff"                    'cat web/state'
virsh --quiet domrename web mail > /dev/null
soon "mail"                       'ls'
fails ls web
virsh --quiet start mail > /dev/null
soon "running"                    'cat mail/state'
virsh --quiet undefine mail > /dev/null                 # transient from now on
virsh --quiet destroy mail > /dev/null
soon ""                           'ls'
proves "listing: what other clients do is seen"
cd /
