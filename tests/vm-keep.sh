#!/bin/bash
# What a backup leaves stays if all of it was answered, whatever tool asked and in whatever order; else rmdir refuses, until
# the rest is read or the user decides.
. tests/vm.sh
for tool in rsync restic qemu-img; do command -v $tool > /dev/null || skip "no $tool here"; done
image a.qcow2 qcow2 64M
image b.qcow2 qcow2 16M
image c.raw raw 8M
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio qcow2 b.qcow2)$(disk vdc virtio raw c.raw)"
guest_writes web vda 1M 3M 1
guest_writes web vda 40M 300k 2
guest_writes web vdb 15M 1M 3
guest_writes web vdc 0 100k 4
mount_domfs qemu:///system
backups=$mnt/web/backups
export RESTIC_REPOSITORY=$tmp/restic RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$tmp/cache
restic -q init
from=full
n=0

# through COMMAND...: in the directory of the next backup, all of which it reads: then rmdir succeeds, and the checkpoint stays
through() {
	n=$((n + 1))
	mkdir "$backups/$from..p$n" "$tmp/out$n"
	guest_writes web vda ${n}M 70k $((n + 10))
	(cd "$backups/$from..p$n"; out=$tmp/out$n name=p$n; eval "$*")
	rmdir "$backups/$from..p$n" || { echo "it is not complete after $*"; exit 1; }
	from=p$n
	[ -d "$mnt/web/checkpoints/p$n" ] || { echo "no checkpoint after $*"; exit 1; }
	rm -rf "${tmp:?}/out$n"
}

# lacks "FILE" COMMAND...: it does not read all, and rmdir names what was not read
lacks() {
	local file=$1
	n=$((n + 1))
	shift
	guest_writes web vda 10M 20M $n
	mkdir "$backups/$from..p$n" "$tmp/out$n"
	(cd "$backups/$from..p$n"; out=$tmp/out$n name=p$n; eval "$*")
	says "${file/NAME/p$n} was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir "$backups/$from..p$n"
	is "pull"       "$(sed -n 2p "$backups/$from..p$n/type")"       # nothing has changed
	echo cancel > "$mnt/web/job"
	rmdir "$backups/$from..p$n"
	[ ! -e "$mnt/web/checkpoints/p$n" ] || { echo "a checkpoint after $*"; exit 1; }
	rm -rf "${tmp:?}/out$n"
}

domain=web
through 'cp * $out'
through 'cp -r . $out'
through 'cp vda.raw vdb.raw vdc.raw $out'                         # by their names, though they are not listed
through 'rsync -a ./ $out'
through 'rsync -aS ./ $out'
through 'tar -Scf $out/tar *.qcow2'
through 'tar -cf $out/tar .'
through 'cat *.qcow2 > $out/all'
through 'for d in vda vdb vdc; do qemu-img convert -U -f raw -O raw $d.raw $out/$d.raw; done'
through 'restic -q backup --host x .'
through 'cp vda.* $out; qemu-img convert -U -f raw -O qcow2 vdb.raw $out/b; dd if=vdc.raw of=$out/c bs=4k status=none'
lacks vda.NAME.qcow2 'true'
lacks vdb.NAME.qcow2 'cp vda.*.qcow2 $out'
lacks vdc.NAME.qcow2 'cp vda.*.qcow2 vdb.raw $out'
lacks vda.NAME.qcow2 'cat vda.*.qcow2 | head -c 1000000 > $out/head; cp vd[bc].*.qcow2 $out'
lacks vda.NAME.qcow2 'qemu-img info -U vda.$name.qcow2 > $out/info; cp vd[bc].*.qcow2 $out'

# Two readers, each a part; the rest is read by parts, backwards.
mkdir "$backups/$from..both"
file=$backups/$from..both/vda.both.qcow2
cp "$backups/$from..both"/vd[bc].both.qcow2 "$tmp"
size=$(stat -c %s "$file")
dd if="$file" of=/dev/null bs=64k count=2 status=none & one=$!
for at in $(seq $((size / 65536)) -1 2); do dd if="$file" of=/dev/null bs=64k skip=$at count=1 status=none; done
wait $one
rmdir "$backups/$from..both"
[ -d "$mnt/web/checkpoints/both" ]

# The user decides; may think better of it; and a remount counts anew.
mkdir "$backups/both..kept"
is 0 "$(cat "$backups/both..kept/keep")"
echo 1 > "$backups/both..kept/keep"
is 1 "$(cat "$backups/both..kept/keep")"
echo 0 > "$backups/both..kept/keep"
fails rmdir "$backups/both..kept"
cp "$backups/both..kept/vda.kept.qcow2" "$tmp"
unmount
mount_domfs qemu:///system
says "vda.kept.qcow2 was not read to its end: copy it, write 1 to keep, or cancel to job" rmdir "$backups/both..kept"
echo 1 > "$backups/both..kept/keep"
unmount
mount_domfs qemu:///system
is 1 "$(cat "$backups/both..kept/keep")"
rmdir "$backups/both..kept"
[ -d "$mnt/web/checkpoints/kept" ]
proves "backup: ranges, kept once all was read by any tool"
