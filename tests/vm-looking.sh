#!/bin/bash
# Looking changes nothing: not a definition, a snapshot, a checkpoint, a bitmap, nor a byte of an image.
. tests/vm.sh
notes=$(mktemp -d --tmpdir=/run)                         # apart from what is looked at
image base.qcow2 qcow2 16M
image web.qcow2 qcow2 16M -b "$tmp/base.qcow2" -F qcow2
for name in data.qcow2 stopped.qcow2 paused.qcow2 raw.qcow2; do image $name qcow2 16M; done
image raw.raw raw 16M
cdrom="<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/><readonly/></disk>"
start web "$(disk vda virtio qcow2 web.qcow2)$(disk sda scsi qcow2 data.qcow2)$cdrom"
start raw "$(disk vda virtio qcow2 raw.qcow2)$(disk vdb virtio raw raw.raw)"
start paused "$(disk sda sata qcow2 paused.qcow2)"
define stopped "$(disk vda virtio qcow2 stopped.qcow2)"
for domain in web stopped; do virsh --quiet snapshot-create-as $domain one > /dev/null; done
virsh --quiet suspend paused > /dev/null
virsh --quiet checkpoint-create-as raw c --diskspec vda --diskspec vdb,checkpoint=no > /dev/null
guest_writes raw vda 1M 64k 5

# everything that a look could have changed
all() {
	for domain in web raw paused stopped; do
		echo "$domain $(virsh domstate $domain)"
		virsh dumpxml $domain
		virsh dumpxml --inactive $domain
		for moment in snapshot checkpoint; do
			virsh $moment-list --tree $domain
			for name in $(virsh $moment-list --name $domain); do virsh $moment-dumpxml $domain "$name"; done
		done
		virsh snapshot-current --name $domain 2>/dev/null || :
		[ $domain = stopped ] || virsh qemu-monitor-command $domain '{"execute": "query-named-block-nodes"}' | bitmaps
	done
	for image in "$tmp"/*.{qcow2,raw}; do
		qemu-img info --force-share "$image"
		sha256sum "$image"
	done
	ls -l "$tmp" /var/lib/libvirt/qemu/{save,snapshot,checkpoint}
}

bitmaps() {
	python3 -c 'import json, sys
for node in json.load(sys.stdin)["return"]: print(node["node-name"], node["file"], node.get("dirty-bitmaps"))'
}

# notices WHAT COMMAND...: `all` is worth nothing if it does not
notices() {
	all > "$notes/before"
	"${@:2}" > /dev/null
	all > "$notes/after"
	! cmp -s "$notes/before" "$notes/after" || { echo "$1 goes unnoticed"; exit 1; }
}

node=$(virsh qemu-monitor-command web '{"execute": "query-named-block-nodes"}' | grep -o 'libvirt-[0-9]*-format' | head -1)
notices "a snapshot" virsh snapshot-create-as paused two
notices "a bitmap" virsh qemu-monitor-command web \
	'{"execute": "block-dirty-bitmap-add", "arguments": {"node": "'"$node"'", "name": "behind"}}'
notices "a byte" guest_writes raw vdb 12345 1 9

mount_domfs qemu:///system
mkdir "$mnt/raw/backups/monday"
all > "$notes/before"
for _ in 1 2; do
	ls -lR "$mnt" > /dev/null
	find "$mnt" -type f -exec cat {} + > /dev/null
	du -a "$mnt" > /dev/null
	rsync -a "$mnt/" "$notes/copy"
done
tar -cSf - "$mnt" 2>/dev/null | cat > /dev/null
all > "$notes/after"
diff "$notes/before" "$notes/after"
is "" "$(cat "$mnt/.domfs/errors")"
rmdir "$mnt/raw/backups/monday"
proves "listing: looking changes nothing"
