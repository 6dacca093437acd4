#!/bin/bash
# Who ends it while files are open loses them, and nothing else goes wrong.
. tests/lib.sh
export FAKE_HANG=$tmp/hang
for signal in TERM INT HUP; do
	mount_fake
	mkdir "$mnt/alpha/backups/b"
	exec 3< "$mnt/alpha/backups/b/vda.raw" 4< "$mnt/alpha/state" 5< "$mnt/alpha"
	head -c 4096 <&3 > /dev/null
	unmount -$signal
	is "cat: -: Transport endpoint is not connected" "$(cat <&3 2>&1)"
	exec 3<&- 4<&- 5<&-
done
fails grep 'has not answered' "$tmp/log"

for what in images alpha; do                            # what hangs is not waited for
	mount_fake
	mkdir "$mnt/alpha/backups/b"
	cp "$mnt/alpha/backups/b/vda.raw" "$tmp/copy"
	echo $what > "$FAKE_HANG"
	cat "$mnt/alpha/backups/b/vda.raw" "$mnt/alpha/domain.xml" > /dev/null 2> "$tmp/said" & reader=$!
	sleep 0.5
	begin=$SECONDS
	unmount
	[ $((SECONDS - begin)) -le 6 ]
	fails wait $reader
	grep -q 'Transport endpoint is not connected\|Software caused connection abort' "$tmp/said"
	rm "$FAKE_HANG"
done
is 2 "$(grep -c 'has not answered' "$tmp/log")"
