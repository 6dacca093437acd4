#!/bin/bash
# A libvirtd that does not answer: errors in time and never an empty listing; open backups read on; then all is well.
. tests/vm.sh
image web.qcow2 qcow2 64M
start web "$(disk vda virtio qcow2 web.qcow2)"
guest_writes web vda 0 32M 5
sum=$(content web vda)
mount_domfs qemu:///system -o timeout=5
cd "$mnt"
mkdir web/snapshots/one web/backups/monday
exec 3< web/backups/monday/vda.raw
sleep 1.5                                               # nothing is known any more
kill -STOP "$libvirtd"

# gives_up COMMAND...: in time, and as one may
gives_up() {
	within 6 "$@" > "$tmp/said" 2>&1
	grep -qE 'Connection timed out|Transport endpoint is not connected' "$tmp/said" || { cat "$tmp/said"; exit 1; }
}
gives_up ls .
gives_up ls web/snapshots
gives_up ls web/backups
gives_up cat web/state
gives_up cat web/disks
gives_up mkdir web/snapshots/two
gives_up rmdir web/snapshots/one
gives_up mv web/snapshots/one web/current/
gives_up rmdir web/backups/monday
within 2 is "16777216" "$(head -c 16M <&3 | wc -c)"
sha256sum <&3 > "$tmp/rest" & reader=$!                 # its end waits until libvirtd says that the job is still there
sleep 1
kill -CONT "$libvirtd"

end=$((SECONDS + 5))
until [ "$(cat web/state 2>/dev/null)" = running ] && ls web/snapshots > /dev/null 2>&1; do [ $SECONDS -lt $end ]; sleep 0.1; done
is "$sum" "$(sha256sum < web/backups/monday/vda.raw)"
wait $reader
is "$(tail -c +16777217 web/backups/monday/vda.raw | sha256sum)" "$(cat "$tmp/rest")"
exec 3<&-
proves "connection: a libvirtd that does not answer"
cd /
