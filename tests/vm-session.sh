#!/bin/bash
# Whoever is not root has a libvirt of his own, and all of domfs with it.
. tests/vm.sh
home=$tmp/home
install -d -o nobody "$home" "$home/run" "$home/mnt"
chmod 700 "$home/run"
mknod -m 666 /run/fuse c 10 229                         # as everywhere but on some build machines
mount --bind /run/fuse /dev/fuse
as_nobody() {
	env -u LIBVIRT_DEFAULT_URI HOME="$home" XDG_RUNTIME_DIR="$home/run" setpriv --reuid nobody --regid nogroup --clear-groups -- "$@"
}
end_session() {
	as_nobody virsh --quiet -c qemu:///session destroy web > /dev/null 2>&1 || :
	umount -l "$home/mnt" 2>/dev/null || :
	finish
}
trap end_session EXIT
as_nobody qemu-img create -q -f qcow2 "$home/web.qcow2" 64M
domain_xml web qemu 32 "" "$(disk vda virtio qcow2 home/web.qcow2)" | sed '/<serial/d' > "$home/web.xml"
as_nobody virsh --quiet -c qemu:///session "define $home/web.xml; start web" > /dev/null
as_nobody "$DOMFS" qemu:///session "$home/mnt"
cd "$home/mnt/web" 2>/dev/null && { echo "root was let in"; exit 1; }
as_nobody sh -eu -c '
	cd "$1/mnt/web"
	[ "$(cat state)" = running ]
	mkdir snapshots/one backups/monday
	head -c 64M /dev/zero | cmp - backups/monday/vda.raw
	ls "$1/.local/state/domfs"/*/backup-monday > /dev/null                  # its record
	rmdir backups/monday
	mv snapshots/one current/
	echo external > options/storage
	! mkdir snapshots/two 2>/dev/null                                       # kinds are never mixed
	rmdir snapshots/one
	mkdir snapshots/two
	ls "$1/.local/share/domfs"/*/two.memory > /dev/null                     # its memory
	rmdir snapshots/two
	cat error' sh "$home"
as_nobody fusermount3 -u "$home/mnt"
proves "connection: session, without root"
