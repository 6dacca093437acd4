#!/bin/bash
# Names that no path can carry, and snapshots that domfs would not make: shown, read, deleted, gone back to or not.
. tests/lib.sh
domain=one
inner="<domain type='test'><name>one</name><uuid>aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa</uuid>
	<memory>65536</memory><os><type>hvm</type></os></domain>"

# snapshot NAME STATE ACTIVE [PARENT]
snapshot() {
	echo "<test:domainsnapshot><name>$1</name><state>$2</state><creationTime>1700000000</creationTime>
		${4:+<parent><name>$4</name></parent>}<active>$3</active>$inner</test:domainsnapshot>"
}

cat > "$tmp/node.xml" <<END
<node>
  <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
    <name>one</name><uuid>aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa</uuid><memory>65536</memory><os><type>hvm</type></os>
    <test:runstate>3</test:runstate>
    $(snapshot 'a/b' running 0)
    $(snapshot '.hidden' running 0 'a/b')
    $(snapshot 'two
lines' running 1 '.hidden')
    $(snapshot '100%41' running 0)
    $(snapshot 'disk' disk-snapshot 0)
    $(snapshot "$(printf '%0300d' 0)" running 0)
  </domain>
  <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
    <name>..</name><memory>65536</memory><os><type>hvm</type></os><test:runstate>5</test:runstate><test:hasmanagedsave/>
  </domain>
</node>
END
mount_domfs "test://$tmp/node.xml"
is "%2E. one"                     "$(ls "$mnt" | xargs)"
is "saved"                        "$(cat "$mnt/%2E./state")"
cd "$mnt/one"
is "%2Ehidden 100%2541 a%2Fb disk two%0Alines" "$(ls snapshots | xargs)"
grep -q 'its name is too long to be shown' "$mnt/.domfs/errors"
is "two%0Alines"                  "$(ls current)"
is "../../snapshots/a%2Fb"        "$(readlink snapshots/%2Ehidden/parent)"
is "paused"                       "$(cat state)"
grep -q '<name>a/b</name>' snapshots/a%2Fb/snapshot.xml
echo "with a slash" > snapshots/a%2Fb/description
is "with a slash"                 "$(cat snapshots/a%2Fb/description)"
mv snapshots/a%2Fb current/
is "a%2Fb"                        "$(ls current)"
is "running"                      "$(cat state)"
rmdir snapshots/%2Ehidden snapshots/100%2541
is "a%2Fb  <- here
  two%0Alines
disk"                             "$(grep -v 000 tree)"
says "disk is a disk-snapshot, and libvirt's test driver would crash going back to it" mv snapshots/disk current/
is "running"                      "$(cat state)"
rmdir snapshots/disk
fails mkdir snapshots/c%2Fd
cd /
