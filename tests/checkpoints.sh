#!/bin/bash
# Checkpoints, where a domain can have them.
. tests/lib.sh
export FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake
cd "$mnt/alpha"

mkdir checkpoints/one checkpoints/two
is "vda ok vdb none"            "$(xargs < checkpoints/one/status)"
is "../one"                     "$(readlink checkpoints/two/parent)"
is "vda 1048576 vdb -"          "$(xargs < checkpoints/one/changed)"
is "$(stat -c %s checkpoints/one/changed)" "$(wc -c < checkpoints/one/changed)"
is "<name>one</name>"           "$(grep -o '<name>.*' checkpoints/two/parent/checkpoint.xml)"
is "mv: cannot move 'checkpoints/one' to 'checkpoints/uno': Operation not permitted" \
				"$(mv checkpoints/one checkpoints/uno 2>&1)"
mkdir backups/one..three
says "backup one..three needs it until its rmdir" rmdir checkpoints/one
says "backup one..three needs it until its rmdir" rmdir checkpoints/three
rmdir checkpoints/two
mkdir checkpoints/two
echo cancel > job                                       # which takes three along
rmdir backups/one..three
rmdir checkpoints/one
is "two"                        "$(ls checkpoints)"
says "two does not belong here" mv checkpoints/two current/

mkdir checkpoints/torn
is "vda inconsistent vdb none"  "$(xargs < checkpoints/torn/status)"
is "$(stat -c %s checkpoints/torn/status)" "$(wc -c < checkpoints/torn/status)"        # known, once somebody has read it
rm -rf "$tmp/copy"
cp -r checkpoints "$tmp/copy"
is "vda inconsistent vdb none"  "$(xargs < "$tmp/copy/torn/status")"
for tool in 'cp -r' 'rsync -a' 'restore() { tar -cf - "$1" 2> /dev/null | tar -C "$2" -xf -; }; restore'; do
	mkdir checkpoints/torn2 "$tmp/to"
	eval "$tool checkpoints/torn2 $tmp/to"                  # which looks first, and finds another size as it reads
	is "vda inconsistent vdb none" "$(find "$tmp/to" -name status -exec xargs -a {} \;)"
	rmdir checkpoints/torn2
	rm -rf "$tmp/to"
done
is "mkdir: cannot create directory 'backups/torn..x': No data available" "$(mkdir backups/torn..x 2>&1)"
says "vda: bitmap torn is inconsistent" mkdir backups/torn..x

echo "make alpha checkpoints full" > "$tmp/other"          # of others
echo "make alpha checkpoints p..q" > "$tmp/other"
sleep 0.3
is "full p..q torn two"         "$(ls checkpoints | xargs)"
says "full..x is ambiguous: there is a checkpoint full" mkdir backups/full..x
says "p..q..x is ambiguous: there is a checkpoint p..q" mkdir backups/p..q..x
says "p..q.. is ambiguous: there is a checkpoint p..q" mkdir backups/p..q..
is "mkdir: cannot create directory 'backups/p..q..': Invalid argument" "$(mkdir backups/p..q.. 2>&1)"
rmdir checkpoints/full checkpoints/p..q

is ""                           "$(ls -d ../beta/checkpoints 2>/dev/null)"
fails mkdir ../beta/checkpoints/x
fails mkdir ../beta/backups/full..x
cd /
