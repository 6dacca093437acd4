#!/bin/bash
# What a shell's redirections do: one write is one value, and who writes a wrong one is told at once.
. tests/lib.sh
mount_fake
cd "$mnt/alpha"
sh=$(command -v dash || command -v sh)

is "bash: line 1: echo: write error: Invalid argument" "$(bash -c 'echo bad > options/memory' 2>&1)"
bash -c 'echo bad > options/memory' 2> "$tmp/said" && exit 1
"$sh" -c 'echo bad > options/memory' 2> "$tmp/said" && exit 1
grep -q 'I/O error\|Invalid argument' "$tmp/said"
is "auto"       "$(cat options/memory)"

echo yes > options/memory
is "yes"        "$(cat options/memory)"
: > options/memory                                      # to empty it is no value
printf '' > options/memory
cp /dev/null options/memory
truncate -s 0 options/memory
is "yes"        "$(cat options/memory)"
echo > options/memory                                   # an empty line is: the default
is "auto"       "$(cat options/memory)"

for how in 'printf no > options/memory' 'echo no | tee options/memory' 'echo no | dd of=options/memory status=none' \
	   'echo no > "$0"; cp "$0" options/memory' 'echo no | sponge_ options/memory' 'exec 3<> options/memory; echo no >&3'; do
	bash -c "sponge_() { local text; text=\$(cat); echo \$text > \$1; }; $how" "$tmp/no" > /dev/null
	is "no"         "$(cat options/memory)"
	echo > options/memory
done
says 'memory is one of: auto yes no'            bash -c 'printf "yes\nno\n" | dd of=options/memory bs=64'
says 'memory takes one value at a time'         bash -c '{ echo yes; echo no; } > options/memory'
is "yes"        "$(cat options/memory)"                 # the first was one
says 'memory takes one value at a time'         bash -c 'echo no >> options/memory'
says 'memory takes one value at a time'         bash -c 'printf no | dd of=options/memory bs=1 seek=1 conv=notrunc'
fails bash -c 'head -c 70000 /dev/zero | tr "\0" y > options/memory'
fails sed -i s/yes/no/ options/memory                   # which makes a file of its own
fails bash -c 'set -o noclobber; echo no > options/memory'
is "yes"        "$(cat options/memory)"
is "auto"       "$(cat ../beta/options/memory)"         # of one domain

for value in all none vda vda,vdb vdb; do
	echo $value > options/disks
	is "$value"     "$(cat options/disks)"
done
for value in vdz vda,vdz vda,,vdb , all,vda none,all "vda vdb"; do
	fails bash -c "echo '$value' > options/disks"
	is "vdb"        "$(cat options/disks)"
done
echo > options/disks
is "all"        "$(cat options/disks)"
echo running > state                                    # what is so already succeeds
fails bash -c 'echo > state'
is "running"    "$(cat state)"
read -r first < state
is "running"    "$first"
is "running"    "$(< state)"
is "running"    "$(head -c 7 state)"
is "ning"       "$(tail -c 5 state)"
cd /
