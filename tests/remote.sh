#!/bin/bash
# Over ssh: snapshots as ever, but no backups, whose bytes are on the other host, and the mount's README says so.
. tests/vm.sh
ip link set lo up                                       # the network is the test's own, and so is port 22
home=/run/root
sed "s,^\(root:[^:]*:0:0:[^:]*:\)[^:]*,\1$home," /etc/passwd > /run/passwd.home
mount --bind /run/passwd.home /etc/passwd
mkdir -p -m 700 $home/.ssh
ssh-keygen -q -t ed25519 -N '' -f $home/.ssh/id_ed25519
cp $home/.ssh/id_ed25519.pub $home/.ssh/authorized_keys
dropbearkey -t ed25519 -f /run/hostkey 2>/dev/null | sed -n 's/^ssh-/localhost ssh-/p' > $home/.ssh/known_hosts
dropbear -F -E -p 22 -r /run/hostkey 2> "$tmp/dropbear.log" &
for _ in $(seq 50); do ! ssh -n localhost true 2>/dev/null || break; sleep 0.1; done

image web.qcow2 qcow2 64M
domain=web
start web "$(disk vda virtio qcow2 web.qcow2)"
mount_domfs qemu+ssh://localhost/system
cd "$mnt"
is "web"                          "$(ls)"
is "qemu+ssh://localhost/system"  "$(cat .domfs/source)"
fails ls web/backups
fails mkdir web/backups
is "no backups/: the bytes of its disks are on another host" "$(grep 'no backups/' .domfs/README)"

before=$(content web vda)
mkdir web/snapshots/one
is "one"                          "$(ls web/snapshots)"
guest_writes web vda 1M 64k 7
[ "$before" != "$(content web vda)" ]
mv web/snapshots/one web/current/
is "$before"                      "$(content web vda)"
is "running"                      "$(cat web/state)"

# images are looked at by the running guest's monitor; where it is off, nobody can
virsh --quiet qemu-monitor-command web --hmp 'savevm lost'
says "$tmp/web.qcow2 holds a snapshot lost that libvirt does not know: take another name, or remove it by qemu-img snapshot -d" \
	mkdir web/snapshots/lost
virsh --quiet qemu-monitor-command web --hmp 'delvm one'
says "$tmp/web.qcow2 holds no snapshot one, see qemu-img snapshot -l: nothing was changed" mv web/snapshots/one web/current/
is "running"                      "$(virsh domstate web)"
mkdir web/snapshots/two
echo destroyed > web/state
says "the images of two cannot be looked at from here, and the guest would die if one lacks it: write two to options/force" \
	mv web/snapshots/two web/current/
echo two > web/options/force
mv web/snapshots/two web/current/
is "running"                      "$(cat web/state)"
is ""                             "$(cat web/options/force)"
rmdir web/snapshots/one web/snapshots/two
is ""                             "$(virsh snapshot-list --name web)"
cd /
