#!/bin/bash
# A backup of a UEFI guest has the variables of its firmware as they are at mkdir, or mkdir says why not.
. tests/vm.sh
firmware=/usr/share/OVMF
[ -e $firmware/OVMF_CODE_4M.fd ] || skip "no firmware in $firmware: apt-get install ovmf"
guest_files web
os="$(guest_os)<loader readonly='yes' type='pflash'>$firmware/OVMF_CODE_4M.fd</loader>
	<nvram template='$firmware/OVMF_VARS_4M.fd'>$tmp/web_VARS.fd</nvram>"
define web "$(guest_devices web)" "$os" 256
virsh --quiet start web > /dev/null
await web 'guest: count 1'
mount_domfs qemu:///system
cd "$mnt/web"

mkdir backups/monday
is "backup.xml domain.xml nvram type vda.raw vdb.raw" "$(ls backups/monday | xargs)"
is "540672 440"                 "$(stat -c '%s %a' backups/monday/nvram)"
cmp backups/monday/nvram "$tmp/web_VARS.fd"
fails cmp -s backups/monday/nvram $firmware/OVMF_VARS_4M.fd     # the firmware has written to its copy
cp backups/monday/nvram "$tmp/copy"

# What the guest has its firmware remember later is not in it, but in the next one.
in_guest web 'insmod /modules/efivarfs.ko && mount -t efivarfs efivarfs /sys/firmware/efi/efivars &&
	printf "\007\000\000\000Dear domfs," > /sys/firmware/efi/efivars/Letter-5d3e2b1a-0f0e-4d0c-8b0a-090807060504'
grep -q 'Dear domfs,' "$tmp/web_VARS.fd"
cmp backups/monday/nvram "$tmp/copy"
fails grep -q 'Dear domfs,' backups/monday/nvram
rmdir backups/monday
mkdir backups/tuesday
grep -q 'Dear domfs,' backups/tuesday/nvram
rmdir backups/tuesday

proves "backup: the variables of a UEFI guest's firmware"

# What cannot be read is not left out without a word.
mv "$tmp/web_VARS.fd" "$tmp/away"
mkdir "$tmp/web_VARS.fd"
says "the firmware's variables in $tmp/web_VARS.fd cannot be read: Is a directory; write without to options/force for a backup without them" \
	mkdir backups/without
is "" "$(ls backups)"
echo without > options/force
mkdir backups/without
is "backup.xml domain.xml type vda.raw vdb.raw" "$(ls backups/without | xargs)"
is "" "$(cat options/force)"
rmdir backups/without
truncate -s 65M "$tmp/large"
rmdir "$tmp/web_VARS.fd"
mv "$tmp/large" "$tmp/web_VARS.fd"
says "the firmware's variables in $tmp/web_VARS.fd cannot be read: File too large; write large to options/force for a backup without them" \
	mkdir backups/large
cd /
