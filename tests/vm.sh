# vm.sh - for tests on real QEMU guests under a real libvirtd
#
# The test runs again in namespaces of its own (tests/libvirt.sh): its libvirtd is qemu:///system there, its first
# process is 1 and takes all others along when it ends, and every file is on a tmpfs that goes with them. So tests may
# run at the same time, beside a system libvirtd, and leave nothing however they end.
#
#	. tests/vm.sh
#	image web.qcow2 qcow2 64M
#	start web "$(disk vda virtio qcow2 web.qcow2)"          # a QEMU without an operating system
#	mount_domfs qemu:///system
#	mkdir "$mnt/web/snapshots/one"
. tests/libvirt.sh

namespaces='--mount --net --pid --fork --kill-child --mount-proc'
if [ -z "${IN_OWN_NAMESPACES:-}" ]; then
	needs_namespaces $namespaces
	GUEST=$(contrib/guest) || echo "without a guest"        # made here: there is no network inside
	export GUEST
	exec env IN_OWN_NAMESPACES=1 TMPDIR=/var/lib/libvirt/images unshare $namespaces "$0" "$@"
fi
own_libvirt_directories
. tests/lib.sh
chmod 711 "$tmp"                                # QEMU's user goes through it
export LIBVIRT_DEFAULT_URI=qemu:///system
domain=web

# image NAME FORMAT SIZE [QEMU-IMG-OPTION...]: $tmp/NAME
image() {
	qemu-img create -q -f "$2" "${@:4}" "$tmp/$1" "$3"
}

# disk TARGET BUS FORMAT NAME: its XML; BUS is virtio, scsi or sata
disk() {
	echo "<disk type='file' device='disk'><driver name='qemu' type='$3'/><source file='$tmp/$4'/><target dev='$1' bus='$2'/></disk>"
}

# define NAME DEVICES-XML [OS-XML [MIB]]: its serial console is written to $tmp/NAME.console
define() {
	cat > "$tmp/$1.xml" <<-END
		<domain type='qemu'>
		  <name>$1</name>
		  <memory unit='MiB'>${4:-32}</memory>
		  <os><type arch='x86_64' machine='q35'>hvm</type>${3:-}</os>
		  <features><acpi/></features>
		  <cpu mode='custom'><model>qemu64</model></cpu>
		  <devices>
		    <emulator>/usr/bin/qemu-system-x86_64</emulator>
		    <controller type='scsi' model='virtio-scsi'/>
		    $2
		    <serial type='file'><source path='$tmp/$1.console'/></serial>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	END
	virsh --quiet define "$tmp/$1.xml" > /dev/null
}

# start NAME DEVICES-XML: a QEMU without an operating system
start() {
	define "$@"
	virsh --quiet start "$1" > /dev/null
}

# define_guest NAME [DEVICES-XML]: the real guest of contrib/guest, with its vda and vdb as $tmp/NAME-{vda,vdb}.qcow2
define_guest() {
	cp "$GUEST/disk.qcow2" "$tmp/$1-vda.qcow2"
	image "$1-vdb.qcow2" qcow2 16M
	define "$1" "$(disk vda virtio qcow2 "$1-vda.qcow2")$(disk vdb virtio qcow2 "$1-vdb.qcow2")${2:-}
		<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" \
		"<kernel>$GUEST/vmlinuz</kernel><initrd>$GUEST/initramfs</initrd><cmdline>console=ttyS0 quiet</cmdline>" 192
}

# start_guest NAME [DEVICES-XML]: returns when it counts
start_guest() {
	define_guest "$@"
	virsh --quiet start "$1" > /dev/null
	await "$1" 'guest: count 1'
}

# await NAME TEXT [SECONDS]: until its console says so
await() {
	local end=$((SECONDS + ${3:-120}))

	until grep -qs "$2" "$tmp/$1.console"; do
		[ $SECONDS -lt $end ] || { cat "$tmp/$1.console"; echo "$1 does not say: $2"; exit 1; }
		sleep 0.2
	done
}

# count_of NAME: how far it has counted
count_of() {
	sed -n 's/^guest: count \([0-9]*\).*/\1/p' "$tmp/$1.console" | tail -1
}

# in_guest NAME COMMAND: by its agent, in its shell; prints what that says
in_guest() {
	contrib/in-guest "$@"
}

# of_disk NAME TARGET ATTRIBUTE: as its XML says now
of_disk() {
	virsh dumpxml "$1" --xpath "//disk[target/@dev='$2']/$3" | sed 's/.*="\(.*\)"/\1/'
}

# guest_writes NAME TARGET OFFSET LENGTH BYTE: as if the guest did, by QEMU's own qemu-io
guest_writes() {
	virsh --quiet qemu-monitor-command "$1" --hmp "qemu-io -d $(qdev "$1" "$2") \"write -P $5 $3 $4\"" > /dev/null
}

# qdev NAME TARGET: where QEMU keeps that disk
qdev() {
	local alias
	alias=$(of_disk "$1" "$2" alias/@name)
	case $alias in
	virtio-*)	echo "/machine/peripheral/$alias/virtio-backend" ;;
	*)		echo "/machine/peripheral/$alias" ;;
	esac
}

# content NAME TARGET: the sha256 of what that disk holds now, found without domfs
content() {
	local file format
	file=$(of_disk "$1" "$2" source/@file)
	format=$(of_disk "$1" "$2" driver/@type)
	[ "$(virsh domstate "$1")" != running ] || { virsh --quiet suspend "$1" > /dev/null; trap "virsh --quiet resume $1 > /dev/null" RETURN; }
	qemu-img convert --force-share -f "$format" -O raw "$file" "$tmp/content.raw"
	sha256sum < "$tmp/content.raw"
	rm "$tmp/content.raw"
}

# within SECONDS COMMAND...: it may fail, but not take longer; prints how long it took
within() {
	local begin end limit=$1; shift
	begin=$(date +%s%N)
	"$@" || :
	end=$(date +%s%N)
	echo "$(((end - begin) / 1000000)) ms: $*"
	[ $((end - begin)) -le $((limit * 1000000000)) ] || { echo "takes longer than $limit s: $*"; exit 1; }
}

start_libvirtd
