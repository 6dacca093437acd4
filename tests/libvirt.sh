# libvirt.sh - a libvirtd of one's own in system mode, beside whatever else runs on this machine
#
# In a mount namespace, own_libvirt_directories lays empty directories over libvirt's. There start_libvirtd starts the
# real daemon as any machine does: QEMU runs as libvirt-qemu, and `virsh` finds it without being told. Nothing outside
# is changed, and all is gone with the namespace.
own_directories='/etc/libvirt /var/lib/libvirt /var/lib/domfs /var/cache/libvirt /var/log/libvirt /run'
cache=${DOMFS_CACHE:-/var/cache/domfs}
libvirtd=

skip() {
	echo "skipped: $*"
	exit 77
}

# needs_namespaces UNSHARE-OPTION...
needs_namespaces() {
	[ "$(id -u)" = 0 ] || skip "only root can start a libvirtd of its own"
	unshare "$@" true 2>/dev/null || skip "no namespaces can be made here (unshare $*)"
}

# QEMU's user may not exist where libvirt-daemon-system was never installed
own_users() {
	! id libvirt-qemu > /dev/null 2>&1 || return 0
	for file in passwd group; do
		cp "/etc/$file" "/run/$file"
		mount --bind "/run/$file" "/etc/$file"
	done
	getent group kvm > /dev/null || echo 'kvm:x:64056:' >> /etc/group
	echo 'libvirt-qemu:x:64055:libvirt-qemu' >> /etc/group
	echo "libvirt-qemu:x:64055:$(getent group kvm | cut -d: -f3)::/var/lib/libvirt:/usr/sbin/nologin" >> /etc/passwd
}

# Where QEMU's user may not open /dev/kvm but root may, libvirt probes QEMU anew at every define, for a minute each
# time. So it is taken away from both, or with OWN_KVM given to both.
own_kvm() {
	[ -e /dev/kvm ] || return 0
	if [ -n "${OWN_KVM:-}" ]; then mknod -m 666 /run/kvm c 10 232; else (umask 777; : > /run/kvm); fi
	mount --bind /run/kvm /dev/kvm
}

own_libvirt_directories() {
	for d in $own_directories; do
		mkdir -p "$d"
		mount -t tmpfs -o mode=755 libvirt "$d"
	done
	umount -R -l /sys/fs/cgroup 2>/dev/null || :                    # two domains of one name would share a group
	own_users
	own_kvm
	mkdir -p /run/libvirt /var/lib/libvirt/images /var/cache/libvirt/qemu/capabilities
	cp "$cache"/capabilities/* /var/cache/libvirt/qemu/capabilities/ 2>/dev/null || :
	cat > /etc/libvirt/qemu.conf <<-'END'
		stdio_handler = "file"
		security_driver = "none"
		namespaces = []
	END
	cat > /etc/libvirt/libvirtd.conf <<-'END'
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
}

# The answers of QEMU that libvirt took seconds to collect, for the next one
keep_capabilities() {
	local file new kept=$cache/capabilities

	mkdir -p "$kept"
	for file in /var/cache/libvirt/qemu/capabilities/*.xml; do
		[ "$file" -nt "$kept/${file##*/}" ] || continue
		new=$(mktemp "$kept/.new.XXXXXX")
		cp -p "$file" "$new"
		mv "$new" "$kept/${file##*/}"
	done
}

start_libvirtd() {
	libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid & libvirtd=$!
	for _ in $(seq 300); do
		! virsh --quiet uri > /dev/null 2>&1 || return 0
		kill -0 "$libvirtd" || break
		sleep 0.1
	done
	cat /var/log/libvirt/libvirtd.log
	echo "libvirtd does not answer"
	exit 1
}

# stop_libvirtd [SIGNAL]: its domains go on
stop_libvirtd() {
	kill "${1:--TERM}" "$libvirtd"
	wait "$libvirtd" || :
	rm -f /run/libvirt/libvirtd.pid
}

# domain_xml NAME TYPE MIB OS-XML DEVICES-XML: TYPE is qemu or kvm; its serial console goes to the file $tmp/NAME.console
domain_xml() {
	local cpu="<cpu mode='custom'><model>qemu64</model></cpu>"

	[ "$2" = qemu ] || cpu="<cpu mode='host-passthrough'/>"
	cat <<-END
		<domain type='$2'>
		  <name>$1</name>
		  <memory unit='MiB'>$3</memory>
		  <os><type arch='x86_64' machine='q35'>hvm</type>$4</os>
		  <features><acpi/></features>
		  $cpu
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <controller type='scsi' model='virtio-scsi'/>
		    $5
		    <serial type='file'><source path='$tmp/$1.console'/></serial>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	END
}

# disk TARGET BUS FORMAT NAME: its XML; BUS is virtio, scsi or sata
disk() {
	echo "<disk type='file' device='disk'><driver name='qemu' type='$3'/><source file='$tmp/$4'/><target dev='$1' bus='$2'/></disk>"
}

# guest_os and guest_devices NAME: of the guest that contrib/guest made
guest_os() {
	echo "<kernel>$tmp/vmlinuz</kernel><initrd>$tmp/initramfs</initrd><cmdline>console=ttyS0 quiet</cmdline>"
}

guest_devices() {
	disk vda virtio qcow2 "$1-vda.qcow2"
	disk vdb virtio qcow2 "$1-vdb.qcow2"
	echo "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
}

# guest_files NAME: its kernel, a disk with a letter in its file system, and an empty one. Copies, since libvirt changes
# the owner of all that it starts a guest from.
guest_files() {
	cp "$GUEST/vmlinuz" "$GUEST/initramfs" "$tmp/"
	cp "$GUEST/disk.qcow2" "$tmp/$1-vda.qcow2"
	qemu-img create -q -f qcow2 "$tmp/$1-vdb.qcow2" 16M
}

# await NAME TEXT [SECONDS]: until its console says so
await() {
	local end=$((SECONDS + ${3:-120}))

	until grep -qs "$2" "$tmp/$1.console"; do
		[ $SECONDS -lt $end ] || { cat "$tmp/$1.console"; echo "$1 does not say: $2"; exit 1; }
		sleep 0.2
	done
}
