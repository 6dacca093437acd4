#!/bin/bash
# What cannot be is said within a second, and leaves nothing behind.
. tests/vm.sh
image a.qcow2 qcow2 16M
image b.raw raw 16M
image iothread.qcow2 qcow2 16M
image nbd.raw raw 16M
image cdrom.raw raw 1M
start web "$(disk vda virtio qcow2 a.qcow2)$(disk vdb virtio raw b.raw)
	<disk type='file' device='cdrom'><source file='$tmp/cdrom.raw'/><target dev='sda' bus='sata'/><readonly/></disk>"
mount_domfs qemu:///system
backups=$mnt/web/backups

# refused DOMAIN SENTENCE NAME
refused() {
	local before
	domain=$1
	before=$(ls "$mnt/$1/backups"; ls "$tmp"; find /var/lib/domfs; virsh dumpxml "$1")
	within 1 says "$2" mkdir "$mnt/$1/backups/$3"
	is "$before" "$(ls "$mnt/$1/backups"; ls "$tmp"; find /var/lib/domfs; virsh dumpxml "$1")"
}

refused web "there is no checkpoint a" a..b
echo none > "$mnt/web/options/disks"
refused web "a backup without disks is none: write all to options/disks" none
echo sda > "$mnt/web/options/disks"
virsh -q change-media web sda --eject > /dev/null
refused web "sda is empty" empty
echo > "$mnt/web/options/disks"
refused web "the scratch file of vda would have a name of over 255 bytes" "$(printf %0246d)"
touch "$tmp/domfs-x.vda" "$tmp/domfs-x.vda.web"
refused web "the scratch file $tmp/domfs-x.vda.web exists already: remove it if no backup runs" x

mkdir "$backups/first"
refused web "web is busy: backup first of domfs, pid $pid; wait, or see its file job" second
rmdir "$backups/first"
cat > "$tmp/job.xml" <<-END
	<domainbackup mode='pull'><server transport='unix' socket='$(echo /var/lib/libvirt/qemu/domain-*-web)/theirs'/>
	  <disks><disk name='vda' type='file'><scratch file='$tmp/theirs.scratch'/></disk><disk name='vdb' backup='no'/></disks>
	</domainbackup>
END
virsh -q backup-begin web "$tmp/job.xml"
refused web "web is busy: backup of another client; wait, or see its file job" third
is "" "$(ls "$backups")"
virsh -q domjobabort web
until [ "$(cat "$mnt/web/job")" = none ]; do sleep 0.1; done

# A disk in an iothread: QEMU 7.2 would die when a reader leaves.
domain_xml io qemu 32 "" "$(disk vda virtio qcow2 iothread.qcow2 | sed "s/type='qcow2'/type='qcow2' iothread='1'/")" |
	sed "s#<os>#<iothreads>1</iothreads><os>#" > "$tmp/io.xml"
virsh -q define "$tmp/io.xml"
virsh -q start io
if [ "$(virsh version | sed -n 's/^Running hypervisor: QEMU \([0-9]*\).*/\1/p')" -lt 10 ]; then
	refused io "vda is in an iothread, and QEMU before 10 dies when its backup has been read: write the other disks to options/disks" dead
	is running "$(virsh domstate io)"
fi

# A disk without a directory has its scratch file elsewhere.
qemu-nbd -t -f raw -k "$tmp/nbd.socket" "$tmp/nbd.raw" & nbd=$!
until [ -S "$tmp/nbd.socket" ]; do sleep 0.1; done
chmod 777 "$tmp/nbd.socket"
start net "<disk type='network' device='disk'><driver name='qemu' type='raw'/>
	<source protocol='nbd'><host transport='unix' socket='$tmp/nbd.socket'/></source><target dev='vda' bus='virtio'/></disk>"
guest_writes net vda 0 1M 7
mkdir "$mnt/net/backups/monday"
is "domfs-monday.vda" "$(ls /var/tmp/domfs)"
guest_writes net vda 0 1M 8
is "$(head -c 1M /dev/zero | tr '\0' '\7' | sha256sum)" "$(head -c 1M "$mnt/net/backups/monday/vda.raw" | sha256sum)"
rmdir "$mnt/net/backups/monday"
is "" "$(ls /var/tmp/domfs)"
virsh -q destroy net
kill $nbd
refused net "vda is no file here, and can only be read by its guest: start it, or write the other disks to options/disks" off
proves "backup: refused within a second, nothing is left"
