#!/bin/bash
# What the manual and .domfs/README say about restoring is run as it stands there: a domain boots from a chain of backups,
# beside the first, and after that and all its files are gone.
. tests/vm.sh
firmware=/usr/share/OVMF
[ -e $firmware/OVMF_CODE_4M.fd ] || skip "no firmware in $firmware: apt-get install ovmf"
mkdir -m 711 "$tmp/images" "$tmp/images2"
mkdir "$tmp/srv" "$tmp/srv/web"
guest_files web
mv "$tmp/web-vda.qcow2" "$tmp/images/web.qcow2"
image images/data.raw raw 16M
ln -s images/web.console "$tmp/web.console"             # each domain has its own, where it has its images
ln -s images2/web.console "$tmp/web2.console"
os="$(guest_os)<loader readonly='yes' type='pflash'>$firmware/OVMF_CODE_4M.fd</loader>
	<nvram template='$firmware/OVMF_VARS_4M.fd'>$tmp/images/web_VARS.fd</nvram>"
domain_xml web qemu 256 "$os" "$(disk vda virtio qcow2 images/web.qcow2; disk vdb virtio raw images/data.raw)
	<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" |
	sed "s,$tmp/web.console,$tmp/images/web.console," > "$tmp/web.xml"
virsh --quiet define "$tmp/web.xml"
keep_capabilities
virsh --quiet start web > /dev/null
await web 'guest: count 1'
mount_domfs qemu:///system
cd "$mnt"

# recipe TEXT WORDS: the commands below those words, with this test's directories and the name of its domain
recipe() {
	local commands
	commands=$(awk -v words="$2" 'index($0, words) { near = 1 } near && /^    / { seen = 1; print } seen && !/^    /  { exit }' <<< "$1" |
		sed -e 's,/srv/vm,/srv/web,g' -e 's,\<vm\(2\?\)\>,web\1,g' -e 's,vm\(\.qcow2\|_VARS\),web\1,' \
		    -e "s,/images,$tmp/images,g" -e "s,/srv/,$tmp/srv/,g")
	[ "$(wc -l <<< "$commands")" -ge 3 ] || { echo "no recipe below: $2" >&2; return 1; }
	echo "$commands"
}
manual=$(sed -e '/^\.Bd/,/^\.Ed/{/^\.[BE]d/d; s/^/    /}' -e 's/\\e/\\/g' "$source/contrib/domfs.1")
readme=$(cat .domfs/README)

# A chain of two, as .domfs/README has it copied
copy=$(recipe "$readme" "A copy is whole")
for range in full..mon mon..tue; do
	in_guest web "echo $range > /disk/letter; sync"
	mkdir "web/backups/$range"
	bash -euc "${copy//mon..tue/$range}"
	rmdir "web/backups/$range"
done
at=$(count_of web)
is "backup.xml checkpoint.xml domain.xml keep nvram type vda.mon.qcow2 vda.tue.qcow2 vdb.mon.qcow2 vdb.tue.qcow2" "$(ls "$tmp/srv/web" | xargs)"
in_guest web 'echo later > /disk/letter; sync'
chain=$(cd "$tmp/srv/web"; sha256sum *.qcow2)

# Beside the first, which runs
(bash -euc "$(recipe "$manual" "One beside the first")")
await web2 "guest: count $at"
is "mon..tue"                   "$(in_guest web2 'cat /disk/letter')"
is "later"                      "$(in_guest web 'cat /disk/letter')"
in_guest web2 'echo two > /disk/letter; sync'
mkdir web2/backups/full..one && cat web2/backups/full..one/*.qcow2 > /dev/null && rmdir web2/backups/full..one
is "one"                        "$(virsh checkpoint-list web2 --name | xargs)"
virsh --quiet destroy web2
is "$chain"                     "$(cd "$tmp/srv/web"; sha256sum *.qcow2)"
proves "restore: a chain boots beside its domain, without a copy"

# The first is gone, with all its files: once by the manual, and once by .domfs/README
for text in "$manual" "$readme"; do
	virsh --quiet destroy web
	virsh --quiet undefine web --nvram --checkpoints-metadata
	rm -f "$tmp/images/"*
	words='To restore'
	[ "$text" = "$readme" ] || words='A domain from the copies'
	(bash -euc "$(recipe "$text" "$words")")
	await web "guest: count $at"
	is "mon..tue"           "$(in_guest web 'cat /disk/letter')"
	[ "$(in_guest web 'cat /disk/count')" -ge "$at" ]
	is "raw"                "$(of_disk web vdb driver/@type)"
	is ""                   "$(qemu-img info -U "$tmp/images/web.qcow2" | grep backing || :)"
done
mkdir web/backups/full..new && cat web/backups/full..new/*.qcow2 > /dev/null && rmdir web/backups/full..new
is "new"                        "$(virsh checkpoint-list web --name | xargs)"
proves "restore: a chain boots after its domain is gone"
cd /
