#!/bin/bash
# mount(8) and fstab mount it too: in a namespace of our own, where the program is in /usr/local/bin.
[ -n "${INSIDE:-}" ] || {
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || { echo "skipped: no mount namespaces can be made here"; exit 77; }
	INSIDE=yes exec unshare -m --propagation private "$0"
}
. tests/lib.sh
[ -w /dev/fuse ] || skip "no /dev/fuse here"
[ -x /sbin/mount.fuse3 ] || skip "no mount.fuse3 here"

chmod 755 "$tmp"
mkdir "$tmp/bin"
cp "$DOMFS" "$tmp/bin/domfs"
mount --bind "$tmp/bin" /usr/local/bin
mknod -m 666 "$tmp/fuse" c 10 229                               # for whoever is not root
mount --bind "$tmp/fuse" /dev/fuse
shown() {
	findmnt -no SOURCE,FSTYPE,OPTIONS "$mnt" | xargs
}

mount -t fuse.domfs fake "$mnt" -o ro,timeout=5,nofail,_netdev,x-gvfs-hide
is "fake fuse.domfs ro,nosuid,nodev,noexec,relatime,user_id=0,group_id=0,default_permissions" "$(shown)"
is "mkdir: cannot create directory '$mnt/alpha/snapshots/x': Read-only file system" "$(mkdir "$mnt/alpha/snapshots/x" 2>&1)"
umount "$mnt"

r=0; said=$(mount -t fuse.domfs fake "$mnt" -o nonsense 2>&1) || r=$?
is "1 domfs: Unknown option --nonsense, see domfs --help" "$r $said"
! mountpoint -q "$mnt"

secret='qemu+ssh://me:secret@host/sys,tem?socket=/a%20b'
mount -t fuse.domfs "$secret" "$mnt"
is "qemu+ssh://me@host/sys,tem?socket=/a%20b"   "$(findmnt -no SOURCE "$mnt")"
is "qemu+ssh://me@host/sys,tem?socket=/a%20b"   "$(cat "$mnt/.domfs/source")"
umount "$mnt"

echo "fake $mnt fuse.domfs noauto,umask=027,uid=7,allow_other,x-systemd.automount,pid-file=$tmp/pid 0 0" > "$tmp/fstab"
mount -T "$tmp/fstab" "$mnt"
is "fake fuse.domfs rw,nosuid,nodev,noexec,relatime,user_id=0,group_id=0,default_permissions,allow_other" "$(shown)"
is "7 750 7 640"        "$(stat -c '%u %a' "$mnt/alpha" "$mnt/alpha/state" | xargs)"
is "domfs"              "$(cat "/proc/$(cat "$tmp/pid")/comm")"
umount "$mnt"

chown nobody "$mnt"                                             # as another user, by fusermount3
export XDG_STATE_HOME=/nowhere XDG_DATA_HOME=/nowhere
nobody() {
	setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all "$@"
}
nobody domfs fake "$mnt"
is "fake fuse.domfs rw,nosuid,nodev,noexec,relatime,user_id=65534,group_id=65534,default_permissions" "$(shown)"
is "alpha beta"         "$(nobody ls -C "$mnt" | xargs)"
nobody fusermount3 -u "$mnt"
if ! grep -qsx '[[:space:]]*user_allow_other[[:space:]]*' /etc/fuse.conf; then
	r=0; said=$(nobody domfs -o allow_other fake "$mnt" 2>&1) || r=$?
	is "10 domfs: allow_other is for root, unless /etc/fuse.conf has the line user_allow_other" "$r $said"
fi

r=0; said=$(mount -t fuse.domfs fake "$mnt" -o setuid=nobody,drop_privileges 2>&1) || r=$?
is "10 domfs: who mounts /dev/fd/3 for domfs must add -o default_permissions" "$r $said"
umount "$mnt" 2>/dev/null || :
mount -t fuse.domfs fake "$mnt" -o setuid=nobody,drop_privileges,default_permissions   # it mounts, and hands over /dev/fd/N
is "domfs fuse.domfs rw,relatime,user_id=65534,group_id=65534,default_permissions" "$(shown)"
is "alpha beta"         "$(nobody ls -C "$mnt" | xargs)"
umount "$mnt"
