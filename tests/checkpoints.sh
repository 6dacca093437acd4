#!/bin/bash
# Checkpoints, where a domain can have them.
. tests/lib.sh
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
is "mkdir: cannot create directory 'backups/torn..x': No data available" "$(mkdir backups/torn..x 2>&1)"
says "vda: bitmap torn is inconsistent" mkdir backups/torn..x

is ""                           "$(ls -d ../beta/checkpoints 2>/dev/null)"
fails mkdir ../beta/checkpoints/x
fails mkdir ../beta/backups/full..x
cd /
