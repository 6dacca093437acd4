#!/bin/bash
# A backup of a UEFI guest has what its firmware remembers, byte for byte.
. tests/lib.sh
head -c 540672 /dev/urandom > "$tmp/variables"
mount_fake
mkdir "$mnt/alpha/backups/bios"
fails ls "$mnt/alpha/backups/bios/nvram"                # what has none shows none
is "backup.xml domain.xml type vda.raw vdb.raw" "$(ls -C "$mnt/alpha/backups/bios" | xargs)"
unmount

export FAKE_NVRAM=$tmp/variables
mount_fake
cd "$mnt/alpha/backups"
mkdir monday
is "backup.xml domain.xml nvram type vda.raw vdb.raw" "$(ls -C monday | xargs)"
is "540672 1056 440"            "$(stat -c '%s %b %a' monday/nvram)"
is "$(stat -c %y monday/backup.xml)" "$(stat -c %y monday/nvram)"
cmp monday/nvram "$tmp/variables"
cp -r monday "$tmp/"
cmp "$tmp/monday/nvram" "$tmp/variables"
says "nvram is only to be read" sh -c 'echo > monday/nvram'
echo cancel > ../job
cmp monday/nvram "$tmp/variables"                       # it is no disk: that the job has ended changes nothing
rmdir monday
cd /
