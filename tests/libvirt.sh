# libvirt.sh - a libvirtd of one's own in system mode, beside whatever else runs on this machine
#
# In a mount namespace, own_libvirt_directories lays empty directories over libvirt's. There start_libvirtd starts the
# real daemon as any machine does: QEMU runs as libvirt-qemu, and `virsh` finds it without being told. Nothing outside
# is changed, and all is gone with the namespace.
own_directories='/etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /run'
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
	mkdir -p -m 711 /var/lib/libvirt/images /var/cache/libvirt/qemu/capabilities /etc/libvirt/qemu
	cp "$cache"/capabilities/* /var/cache/libvirt/qemu/capabilities/ 2>/dev/null || :
	cat > /etc/libvirt/qemu.conf <<-'END'
		stdio_handler = "file"
		security_driver = "none"
		namespaces = []
	END
	cat > /etc/libvirt/libvirtd.conf <<-END
		unix_sock_dir = "${OWN_SOCKETS:-/run/libvirt}"
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	mkdir -p "${OWN_SOCKETS:-/run/libvirt}"
}

# The answers of QEMU that libvirt took seconds to collect, for the next one
keep_capabilities() {
	mkdir -p "$cache/capabilities"
	for file in /var/cache/libvirt/qemu/capabilities/*.xml; do
		[ "$file" -nt "$cache/capabilities/${file##*/}" ] || continue
		cp -p "$file" "$cache/capabilities/.${file##*/}.$$"
		mv "$cache/capabilities/.${file##*/}.$$" "$cache/capabilities/${file##*/}"
	done
}

start_libvirtd() {
	libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirtd.pid & libvirtd=$!
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
	rm -f /run/libvirtd.pid
}
