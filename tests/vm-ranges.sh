#!/bin/bash
# full..a, a..b, b..c and a.. of a guest that goes on writing: what plain tools copy is a chain that is exactly what each
# disk held at each point, whatever snapshots came and went in between, and it boots.
. tests/vm.sh
image web-vdc.raw raw 16M
start_guest web "$(disk vdc virtio raw web-vdc.raw)"
mount_domfs qemu:///system
cd "$mnt/web"
chain=$tmp/chain
mkdir "$chain"
in_guest web 'i=0; (while sleep 0.1; do i=$((i + 1)); dd if=/dev/urandom of=/dev/vdc bs=64k count=1 seek=$((i % 250)) conv=notrunc,fsync
	dd if=/dev/urandom of=/disk/noise$((i % 5)) bs=64k count=$((i % 9)); sync; done) > /dev/null 2>&1 &'

# point RANGE NAME: mkdir it, and note what the disks hold at that moment
point() {
	local at
	virsh -q suspend web > /dev/null
	mkdir "backups/$1"
	at=$(count_of web)
	for disk in vda vdb vdc; do content web $disk > "$chain/$disk.$2.sum"; done
	virsh -q resume web > /dev/null
	await web "count $((at + 3))"
}

# is_point DISK NAME: its file in the chain is what the disk was
is_point() {
	qemu-img check -q "$chain/$1.$2.qcow2"
	qemu-img convert -O raw "$chain/$1.$2.qcow2" "$tmp/flat"
	is "$(cat "$chain/$1.$2.sum")" "$(sha256sum < "$tmp/flat")"
}

# backing DISK NAME: what it rests on, and in which format
backing() {
	qemu-img info --output=json "$chain/$1.$2.qcow2" | sed -n 's/.*"\(backing-filename\|backing-filename-format\)": "\([^"]*\)".*/\2/p' | sort | xargs
}

point full..a a
is "backup.xml checkpoint.xml domain.xml keep type vda.a.qcow2 vdb.a.qcow2 vdc.a.qcow2" "$(ls backups/full..a | xargs)"
is "full|pull|vda full vda.a.qcow2|vdb full vdb.a.qcow2|vdc full vdc.a.qcow2|quiesced no" "$(paste -sd'|' backups/full..a/type)"
is "a"                          "$(virsh checkpoint-list web --name | xargs)"
cmp backups/full..a/checkpoint.xml checkpoints/a/checkpoint.xml
cp backups/full..a/*.qcow2 "$chain"
for disk in vda vdb vdc; do is "$(cat "$chain/$disk.a.sum")" "$(sha256sum < backups/full..a/$disk.raw)"; done
rmdir backups/full..a

virsh -q snapshot-create-as web above --disk-only $(for d in vda vdb vdc; do echo --diskspec $d,file="$tmp/$d.above"; done) > /dev/null
point a..b b
is "since a|pull|vda incremental vda.b.qcow2|vdb incremental vdb.b.qcow2|vdc full vdc.b.qcow2 (left out of a)|quiesced no" \
	"$(paste -sd'|' backups/a..b/type)"                 # its overlay could have a bitmap, but would take it along
rsync -a backups/a..b/*.qcow2 "$chain/"
is "$(cat "$chain/vda.b.sum")"  "$(sha256sum < backups/a..b/vda.raw)"
rmdir backups/a..b

virsh -q snapshot-delete web above > /dev/null
point b..c c
is "b"                          "$(basename "$(readlink checkpoints/c/parent)")"
tar -C backups/b..c -Scf - vda.c.qcow2 vdb.c.qcow2 vdc.c.qcow2 | tar -C "$chain" -xf -
rmdir backups/b..c
for name in a b c; do for disk in vda vdb vdc; do is_point $disk $name; done; done
is "qcow2 vda.a.qcow2"          "$(backing vda b)"
is "qcow2 vdb.b.qcow2"          "$(backing vdb c)"
is ""                           "$(backing vdc c)"

point a.. since-a
is "vda.since-a.qcow2 vdb.since-a.qcow2 vdc.qcow2" "$(cd backups/a..; ls *.qcow2 | xargs)"
cp backups/a../* "$chain"
rmdir backups/a..
mv "$chain/vdc.qcow2" "$chain/vdc.since-a.qcow2"
for disk in vda vdb vdc; do is_point $disk since-a; done
is "qcow2 vda.a.qcow2"          "$(backing vda since-a)"
is "a b c"                      "$(ls checkpoints | xargs)"
is "a b c"                      "$(virsh checkpoint-list web --name --topological | xargs)"
is ""                           "$(cat error)"
is ""                           "$(ls "$tmp" | grep domfs- || :)"

# From its last files it goes on where the original was.
at=$(qemu-io -r -f qcow2 -c 'read -v 1M 512' "$chain/vdb.c.qcow2" | sed -n 's/.*  count \([0-9]*\).*/\1/p')
chmod 600 "$chain"/*
devices="$(for d in vda vdb vdc; do disk $d virtio qcow2 chain/$d.c.qcow2; done)
	<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
define restored "$devices" "$(guest_os)" 192
virsh -q start restored > /dev/null
await restored "guest: count $((at + 1))"
is "Dear domfs,"                "$(in_guest restored 'cat /disk/letter')"
proves "backup: ranges, what plain tools copy is a chain that boots"
cd /
