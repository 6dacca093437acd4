#!/bin/bash
# To look at all there is asks the hypervisor for each list once, and opens, makes and changes nothing.
. tests/lib.sh
export FAKE_CALLS=$tmp/calls
mount_fake -o cache=30
mkdir "$mnt"/alpha/snapshots/s{1..20} "$mnt/alpha/backups/b"
sleep 0.3
calls() {
	sort "$tmp/calls" | uniq -c | sed 's/^ *//'
}
: > "$tmp/calls"
find "$mnt" > /dev/null
is "" "$(calls | grep -E '^[0-9]+ (open|make|drop|revert|describe|set_state|cancel) ' || :)"
is "" "$(calls | grep -vE '^1 (domains |list (alpha|beta)|disks alpha)$' | grep -vE '^(2 list|21 disks) alpha$' || :)"         # 21 moments have some

: > "$tmp/calls"
for _ in 1 2 3; do
	ls -lR "$mnt" > /dev/null
	find "$mnt" -size +1G
	stat "$mnt"/alpha/backups/b/* > /dev/null
	du -a "$mnt" > /dev/null
done
is "" "$(calls | grep -E '^[0-9]+ (open|make|drop|revert|describe|set_state|cancel) ' || :)"
is "" "$(calls | awk '$1 > 2 && $2 != "xml"' )"                         # each once; a text's size is known after it was had once
[ "$(wc -l < "$tmp/calls")" -lt 80 ]
