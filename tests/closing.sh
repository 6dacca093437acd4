#!/bin/bash
# Who ends it while files are open loses them, and nothing else goes wrong.
. tests/lib.sh
for signal in TERM INT HUP; do
	mount_fake
	mkdir "$mnt/alpha/backups/b"
	exec 3< "$mnt/alpha/backups/b/vda.raw" 4< "$mnt/alpha/state" 5< "$mnt/alpha"
	head -c 4096 <&3 > /dev/null
	unmount -$signal
	is "cat: -: Transport endpoint is not connected" "$(cat <&3 2>&1)"
	exec 3<&- 4<&- 5<&-
done
