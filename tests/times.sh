#!/bin/bash
# Times say when something changed, as this mount saw it: a moment's is its point in time; a tool that compares
# them finds each change, and none where there is none, today and after the next mount.
. tests/lib.sh
export FAKE_STATE=$tmp/state FAKE_OTHER=$tmp/other
mkfifo "$tmp/other"
mount_fake -o cache=0.1
cd "$mnt/alpha"
time_of() {
	stat -c %.9Y "$@" | xargs
}
now() {
	date +%s.%N
}
# after BEGIN FILE...: the time of each is after that, and not after now
after() {
	local file time
	for file in "${@:2}"; do
		time=$(time_of "$file")
		python3 -c "import sys; sys.exit(not $1 - 0.02 <= $time <= $(now) + 0.02)" ||
			{ echo "$file: $time is not between $1 and now"; exit 1; }
	done
}
# changes FILE command...: at its time the command was running
changes() {
	local file=$1 was begin; shift
	was=$(time_of "$file")
	sleep 0.15
	is "$was" "$(time_of "$file")"
	begin=$(now)
	"$@"
	sleep 0.15
	after "$begin" "$file"
}
write() {
	echo "$2" > "$1"
}

begin=$(now)
mkdir snapshots/one backups/b
after "$begin" snapshots/one backups/b
for file in snapshots/one/snapshot.xml current/one current/one/snapshot.xml; do
	is "$(time_of snapshots/one)"   "$(time_of $file)"      # its point in time
done
for file in backup.xml domain.xml vda.raw vdb.raw; do
	is "$(time_of backups/b)"       "$(time_of backups/b/$file)"
done
for file in . .. state snapshots snapshots/one snapshots/one/* backups/b/* options/memory; do
	is "$(stat -c %.9Y $file)"      "$(stat -c %.9Z $file)"  # mtime is ctime
done

changes state           write state paused
changes options/memory  write options/memory yes
changes tree            mkdir snapshots/two
changes snapshots       rmdir snapshots/two
changes current         mkdir snapshots/two
changes snapshots/one/description write snapshots/one/description hello
changes backups         mkdir backups/c
changes backups/c/type  write job "cancel c"
changes snapshots       write "$tmp/other" "make alpha snapshots three"     # by another client
changes error           fails mkdir snapshots/a..b
echo cancel > job
changes current         mv snapshots/one current/
changes tree            mv snapshots/two current/
all=$(time_of state options/* tree snapshots current backups error domain.xml disks snapshots/one/* backups/b/*)
sleep 0.3
cat state tree error job > /dev/null                    # to look is no change,
echo paused > state                                     # nor is it to write what is so
echo yes > options/memory
is "$all"       "$(time_of state options/* tree snapshots current backups error domain.xml disks snapshots/one/* backups/b/*)"
begin=$(now)                                            # but what runs is of now
after "$begin" job
cd /
