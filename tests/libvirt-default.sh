#!/bin/bash
# libvirt's own test driver: snapshots, states and what it lacks. It lives in domfs's process and forgets with it.
. tests/lib.sh
domain=test
mkdir "$tmp/saves"
mount_domfs test:///default -o saves="$tmp/saves"
cd "$mnt/test"
is "checkpoints current disks domain.xml error job options snapshots state tree" "$(ls | xargs)"
is "none"                         "$(cat job)"
is "running"                      "$(cat state)"
is "vda raw 0 no /guest/diskimage1" "$(xargs < disks)"
is "<domain type='test' id='1'>"  "$(head -1 domain.xml)"
grep -q '^TEST ' "$mnt/.domfs/version"
grep -q 'no backups/: the TEST driver of this libvirt has none' "$mnt/.domfs/README"

mkdir snapshots/one snapshots/two
is "one
  two  <- here"                   "$(cat tree)"
is "running"                      "$(cat snapshots/two/state)"
mv snapshots/one current/
is "one  <- here
  two"                            "$(cat tree)"
mv snapshots/one current/
echo "before the upgrade" > snapshots/two/description
is "before the upgrade"           "$(cat snapshots/two/description)"
is "one"                          "$(ls current)"
says "description takes a line of UTF-8 text" sh -c 'printf "\200" > snapshots/two/description'
rmdir snapshots/one
is "two"                          "$(cat tree)"

echo no > options/memory
says "test runs, and an internal snapshot has its memory then; write auto to options/memory" mkdir snapshots/three
echo external > options/storage
says "the snapshots of test are internal and kinds are never mixed: write auto to options/storage" mkdir snapshots/three
rmdir snapshots/two
says "test runs, and an internal snapshot has its memory then; write auto to options/memory" mkdir snapshots/three
echo auto > options/memory
says "the TEST driver of libvirt has no external snapshots" mkdir snapshots/three
echo auto > options/storage

mkdir checkpoints/one checkpoints/two
is "one two"                      "$(ls checkpoints | xargs)"
is "../one"                       "$(readlink checkpoints/two/parent)"
is "vda unknown"                  "$(cat checkpoints/one/status)"       # there are no images
is "vda -"                        "$(xargs < checkpoints/one/changed)"
grep -q '<name>two</name>' checkpoints/two/checkpoint.xml
is "mkdir: cannot create directory 'checkpoints/one': File exists" "$(mkdir checkpoints/one 2>&1)"
fails mkdir snapshots/three                                             # they exclude each other here
rmdir checkpoints/one
is "two"                          "$(ls checkpoints)"
rmdir checkpoints/two

echo paused > state
echo paused > state
is "paused"                       "$(cat state)"
mkdir snapshots/three
echo destroyed > state
is "shutoff"                      "$(cat state)"
echo yes > options/memory
says "test does not run and has no memory to keep: write auto to options/memory" mkdir snapshots/four
echo auto > options/memory
mkdir snapshots/four
is "shutoff"                      "$(cat snapshots/four/state)"
echo running > state
mv snapshots/three current/
is "paused"                       "$(cat state)"
echo running > options/after-revert
mv snapshots/three current/
is "running"                      "$(cat state)"
echo shutoff > state
is "shutoff"                      "$(cat state)"
cd /
