#!/bin/bash
# What is written to state: what is so already succeeds, a guest that does not obey is waited for in sight of all, and
# the managed save is shown and gone on from.
. tests/vm.sh
domain=web
image vda.qcow2 qcow2 16M
define web "$(disk vda virtio qcow2 vda.qcow2)"
mount_domfs qemu:///system
cd "$mnt/web"

# become STATE SHOWN: written twice, with the second changing nothing
become() {
	echo "$1" > state
	is "$2"                   "$(cat state)"
	id=$(virsh domid web)
	echo "$1" > state
	is "$id $2"               "$(virsh domid web) $(cat state)"
}

is "shutoff"                      "$(cat state)"
become shutoff shutoff
become destroyed shutoff
refused "web does not run: write running to start it" sh -c 'echo reset > state'
become running running
become paused paused
refused "web is paused and cannot obey: write running first, or destroyed" sh -c 'echo shutoff > state'
become running running
echo reset > state
is "running"                      "$(cat state)"
become destroyed shutoff
become paused paused
is "paused"                       "$(virsh domstate web)"
become running running
refused "state is one of: running paused shutoff destroyed reset" sh -c 'echo sleeping > state'

# there is no operating system that would obey
sh -c 'echo shutoff > state' 2> "$tmp/said" & asking=$!
until grep -q shutdown job; do kill -0 "$asking"; sleep 0.05; done
is "operation shutdown name shutoff" "$(head -2 job | xargs)"
is "running"                      "$(cat state)"
fails mkdir snapshots/meanwhile
within 1 sh -c 'echo cancel > job'
fails wait "$asking"
is "none"                         "$(cat job)"
grep -q 'nobody waits for web to shut down any more: it still may$' error
begin=$SECONDS
says "web was asked to shut down and has not for 60 s: it still may, or write destroyed" sh -c 'echo shutoff > state'
echo "gave up after $((SECONDS - begin)) s"
[ $((SECONDS - begin)) -ge 59 ]
[ $((SECONDS - begin)) -le 62 ]

virsh --quiet managedsave web > /dev/null
sleep 1.1
is "saved"                        "$(cat state)"
become running running
sleep 1.1
is "running"                      "$(cat state)"
is "no"                           "$(virsh dominfo web | awk '/Managed save/ { print $3 }')"
become destroyed shutoff

# a transient one goes with its guest
cd "$mnt"
virsh --quiet undefine web > /dev/null
virsh --quiet create "$tmp/web.xml" > /dev/null
sleep 1.1
is "running"                      "$(cat web/state)"
echo destroyed > web/state
sleep 1.1
is ""                             "$(ls)"
proves "state: start, pause, shut down, save"
cd /
