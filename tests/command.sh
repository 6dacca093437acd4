#!/bin/bash
# What is wrong with a command line is said by name, before anything is begun; each way to end has its number.
. tests/lib.sh

# ends NUMBER "sentence" argument...
ends() {
	local number=$1 sentence="domfs: $2" r=0; shift 2
	said=$("$DOMFS" "$@" 2>&1) || r=$?
	is "$sentence" "$said"
	is "$number" "$r"
}
cd "$tmp"

ends 1 "two arguments are wanted: domfs [options] SOURCE MOUNTPOINT"
ends 1 "two arguments are wanted: domfs [options] SOURCE MOUNTPOINT"  fake mnt mnt
ends 1 "SOURCE is empty"                                              "" mnt
ends 1 "Unknown option -fx, see domfs --help"                         -fx fake mnt
ends 1 "Unknown option --nonsense=1, see domfs --help"                --nonsense=1 fake mnt
ends 1 "Unknown option --nonsense, see domfs --help"                  -o ro,nonsense,rw fake mnt
ends 1 "Unknown option --password=x, see domfs --help"                fake mnt -opassword=x
ends 1 "Missing argument for -o, see domfs --help"                    fake mnt -o
ends 1 "umask=8: a number is wanted, as in umask=027"                 -oro,umask=8 fake mnt
ends 1 "Missing argument for --timeout, see domfs --help"             -o timeout,ro fake mnt
ends 1 "Missing argument for --pid-file, see domfs --help"            fake mnt --pid-file
ends 1 "pid-file is empty"                                            --pid-file= fake mnt
ends 1 "foreground takes no value"                                    --foreground=yes fake mnt
ends 1 "allow_other takes no value"                                   fake mnt -o allow_other=no
ends 1 "two arguments are wanted: domfs [options] SOURCE MOUNTPOINT"  -f fake mnt -v more
ends 1 "timeout=soon: seconds are wanted, as in timeout=2.5"          -o timeout=soon fake mnt
ends 1 "cache=-1: seconds are wanted, as in cache=2.5"                --cache -1 fake mnt
ends 1 "uid=root: a number is wanted, as in uid=1000"                 -o uid=root fake mnt
ends 1 "umask=8: a number is wanted, as in umask=027"                 -o umask=8 fake mnt
ends 1 "umask=1777: a number is wanted, as in umask=027"              -o umask=1777 fake mnt
ends 1 "scratch-reserve=5Z: bytes are wanted, as in scratch-reserve=512M"        -o scratch-reserve=5Z fake mnt
ends 1 "scratch-reserve=-1: bytes are wanted, as in scratch-reserve=512M"        -o scratch-reserve=-1 fake mnt
ends 1 "scratch-reserve=16777217T: bytes are wanted, as in scratch-reserve=512M" -o scratch-reserve=16777217T fake mnt
ends 1 "auto_unmount is not offered: who copies would find an empty directory where the mount was" -o auto_unmount fake mnt
ends 1 "$mnt/state would be inside $mnt"                              -o state=mnt/state fake mnt
ends 1 "$mnt would be inside $mnt"                                    --pid-file=./mnt fake mnt

# What mount(8), fstab and autofs add is no error; nor a comma in a value.
words=rw,ro,dev,nodev,suid,nosuid,exec,noexec,sync,async,dirsync,atime,noatime,diratime,nodiratime,relatime,strictatime
words=$words,lazytime,defaults,auto,noauto,user,users,nofail,_netdev,x-systemd.automount,x-gvfs-hide,comment=hello
ends 10 "nowhere: No such file or directory"    fake nowhere -o "$words" -o "scratch=a\\,b,timeout=5,umask=027,scratch-reserve=1T"
ends 10 "nowhere: No such file or directory"    --timeout 0.5 --ro -- fake nowhere
ends 10 "nowhere: No such file or directory"    fake --ro nowhere -fv -o "$words"
ends 10 "-oro: No such file or directory"       -f -- fake -oro

touch file mnt/file
ends 10 "file is not a directory"               fake file
ends 10 "mnt is not empty: -o nonempty hides what is there" fake mnt
rm mnt/file

touch gone
FAKE_GONE=$tmp/gone ends 11 "fake: the hypervisor cannot be reached" fake mnt
FAKE_GONE=$tmp/gone ends 11 "fake: the hypervisor cannot be reached" -f fake mnt

for option in -h --help; do
	"$DOMFS" "$option" > help 2> said
	is ""               "$(cat said)"
	sed -n 2p help | grep -q '^  domfs-fake .* SOURCE MOUNTPOINT$'
done
for option in -V --version -fV; do
	"$DOMFS" "$option" | grep -qx 'domfs [0-9][0-9.]*'
	"$DOMFS" "$option" | grep -qx 'libfuse [0-9][0-9.]*'
done
