#!/bin/bash
# chmod, chown and touch to what is so already succeed, as tools that copy attributes expect; else EPERM.
. tests/lib.sh
mount_fake
cd "$mnt/alpha"
mkdir snapshots/s backups/b

for at in . state options/memory snapshots snapshots/s snapshots/s/state backups/b backups/b/vda.raw; do
	chmod "$(stat -c %a $at)" $at
	chown "$(stat -c %u:%g $at)" $at
	touch -m -d "$(stat -c %y $at)" $at
	is "chmod: changing permissions of '$at': Operation not permitted"      "$(chmod 000 $at 2>&1)"
	is "chown: changing ownership of '$at': Operation not permitted"        "$(chown 1 $at 2>&1)"
	is "chgrp: changing group of '$at': Operation not permitted"            "$(chgrp 1 $at 2>&1)"
	fails touch -m -d yesterday $at
	fails touch -c $at
	is "setattr: owner, mode, size and times are not to be chosen" "$(sed 's/^[^ ]* //' error)"
done
touch -h -m -d "$(stat -c %y snapshots/s)" snapshots/s
chmod 440 error                                         # its time is another once touch was refused to open it
chown "$(stat -c %u:%g error)" error
for at in state options/memory; do                      # what the shell's > does is no change, any other size is one
	truncate -s 0 $at
	is "truncate: failed to truncate '$at' at 3 bytes: Operation not permitted" "$(truncate -s 3 $at 2>&1)"
done
is "running"    "$(cat state)"

for file in new snapshots/new snapshots/s/new backups/b/vdc.raw ../new; do
	is "touch: cannot touch '$file': Operation not permitted"       "$(touch $file 2>&1)"
	fails ln -s target $file
	fails ln state $file
	fails mkfifo $file
	fails cp /etc/hostname $file
	fails setfattr -n user.x -v y $file 2>/dev/null
done
is "rm: cannot remove 'state': Operation not permitted" "$(rm -f state 2>&1)"
fails mkdir snapshots/s/dir options/dir ../gamma ../.domfs/dir
fails rmdir snapshots options ../beta ../.domfs
for file in backups/b/vda.raw backups/b/type error domain.xml snapshots/s/snapshot.xml; do
	says "${file##*/} is only to be read" bash -c "echo x > $file"
	is "bash: line 1: $file: Operation not permitted" "$(bash -c "echo x >> $file" 2>&1)"
done
cp -a backups/b "$tmp/b"                                # copies come along with time and mode
is "$(cd backups/b; stat -c '%n %a %s %y' *)" "$(cd "$tmp/b"; stat -c '%n %a %s %y' *)"
cd /
