# vm.sh - for tests on real QEMU guests under a real libvirtd
#
# The test runs again in namespaces of its own (tests/libvirt.sh): its libvirtd is qemu:///system there, process 1 takes
# all others along when the test ends (and is not the test, which the end of each QEMU would interrupt), and every file
# is on a tmpfs that goes with them. So tests may run at the same time, beside a system libvirtd, and leave nothing
# however they end.
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
	exec env IN_OWN_NAMESPACES=1 TMPDIR=/var/lib/libvirt/images unshare $namespaces sh -c '"$0" "$@"; exit $?' "$0" "$@"
fi
own_libvirt_directories
. tests/lib.sh
chmod 711 "$tmp"                                # QEMU's user goes through it
export LIBVIRT_DEFAULT_URI=qemu:///system
source=$PWD
domain=web

# image NAME FORMAT SIZE [QEMU-IMG-OPTION...]: $tmp/NAME
image() {
	qemu-img create -q -f "$2" "${@:4}" "$tmp/$1" "$3"
}

# define NAME DEVICES-XML [OS-XML [MIB]]
define() {
	domain_xml "$1" qemu "${4:-32}" "${3:-}" "$2" > "$tmp/$1.xml"
	virsh --quiet define "$tmp/$1.xml" > /dev/null
	keep_capabilities
}

# start NAME DEVICES-XML: a QEMU without an operating system
start() {
	define "$@"
	virsh --quiet start "$1" > /dev/null
}

# start_guest NAME [DEVICES-XML]: the real guest; returns when it counts
start_guest() {
	guest_files "$1"
	define "$1" "$(guest_devices "$1")${2:-}" "$(guest_os)" 192
	virsh --quiet start "$1" > /dev/null
	await "$1" 'guest: count 1'
}

# count_of NAME: how far it has counted
count_of() {
	sed -n 's/^guest: count \([0-9]*\).*/\1/p' "$tmp/$1.console" | tail -1
}

# in_guest NAME COMMAND: by its agent, in its shell; prints what that says
in_guest() {
	"$source/contrib/in-guest" "$@"
}

# of_disk NAME TARGET ATTRIBUTE: as its XML says now
of_disk() {
	virsh dumpxml "$1" --xpath "//disk[target/@dev='$2']/$3" | sed 's/.*="\(.*\)"/\1/'
}

# guest_does NAME TARGET COMMAND: of qemu-io, as "discard 0 64k", as if the guest did
guest_does() {
	virsh --quiet qemu-monitor-command "$1" --hmp "qemu-io -d $(qdev "$1" "$2") \"$3\"" > /dev/null
}

# guest_writes NAME TARGET OFFSET LENGTH BYTE
guest_writes() {
	guest_does "$1" "$2" "write -P $5 $3 $4"
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
	local file format state
	file=$(of_disk "$1" "$2" source/@file)
	format=$(of_disk "$1" "$2" driver/@type)
	state=$(virsh domstate "$1")
	[ "$state" != running ] || virsh --quiet suspend "$1" > /dev/null       # what QEMU still holds is written then
	qemu-img convert --force-share -f "$format" -O raw "$file" "$tmp/content.raw"
	[ "$state" != running ] || virsh --quiet resume "$1" > /dev/null
	sha256sum < "$tmp/content.raw"
	rm "$tmp/content.raw"
}

# proves "ROW": it has just been seen to work; contrib/table makes a row of contrib/table.md of it
proves() {
	echo "proves \"$1\""
}

# lacks "ROW" "WHY": it cannot be seen here
lacks() {
	echo "lacks \"$1\": $2"
}

# reverts_external: does this libvirt say that it can?
reverts_external() {
	virsh capabilities | grep -q '<externalSnapshot/>'
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

# refused "SENTENCE" COMMAND...: it fails within a second with this sentence, of $domain; prints how long it took
refused() {
	local begin end
	begin=$(date +%s%N)
	says "$@"
	end=$(date +%s%N)
	echo "$(((end - begin) / 1000000)) ms: refused: ${*:2}"
	[ $((end - begin)) -lt 1000000000 ] || { echo "takes longer than 1 s: ${*:2}"; exit 1; }
}

# libvirtd_is_killed: said before anything is mounted. libvirt's own client now and then loses what it holds of a call
# that its libvirtd dies in, 860 bytes in all, so that what libvirt allocated is no leak of domfs in such a test.
libvirtd_is_killed() {
	echo 'leak:libvirt.so' > "$tmp/leaks"
	export ASAN_OPTIONS=fast_unwind_on_malloc=0 LSAN_OPTIONS=suppressions=$tmp/leaks:print_suppressions=0
}

start_libvirtd
