#!/bin/bash
# A signal after which its receiver goes on, as a shell does when a child has ended, interrupts nothing; ^C does.
. tests/lib.sh
export FAKE_HANG=$tmp/hang
mount_fake -o timeout=5
cd "$mnt/alpha"

echo alpha > "$FAKE_HANG"
(sleep 1; rm "$FAKE_HANG") & sleep 0.3 & other=$!       # SIGCHLD comes in the midst of write(2)
echo paused > state
is "paused"             "$(cat state)"
wait $other

echo alpha > "$FAKE_HANG"
cat > "$tmp/write.py" <<'END'
import ctypes, os, signal
for handled in signal.SIGCHLD, signal.SIGWINCH, signal.SIGINT:
    signal.signal(handled, lambda *_: None)
c = ctypes.CDLL(None, use_errno=True)
r = c.write(os.open("state", os.O_WRONLY), b"running\n", 8)
print(os.strerror(ctypes.get_errno()) if r < 0 else "written")
END
began=$EPOCHREALTIME
python3 "$tmp/write.py" > "$tmp/said" & writer=$!
sleep 1
kill -CHLD $writer
kill -WINCH $writer
sleep 1
is ""                   "$(cat "$tmp/said")"            # it waits on
kill -INT $writer
wait $writer
is "Interrupted system call" "$(cat "$tmp/said")"
[ $(((${EPOCHREALTIME/./} - ${began/./}) / 1000000)) -lt 4 ]
rm "$FAKE_HANG"

# So it is for who reads an image. Python would begin a read that was interrupted anew, so it is not asked to.
cat > "$tmp/read.py" <<'END'
import ctypes, os, signal, sys
for handled in signal.SIGCHLD, signal.SIGWINCH, signal.SIGUSR1, signal.SIGALRM, signal.SIGINT, signal.SIGTERM:
    signal.signal(handled, lambda *_: None)
c = ctypes.CDLL(None, use_errno=True)
fd, buf, whole = os.open("backups/b/vda.raw", os.O_RDONLY), ctypes.create_string_buffer(1000000), b""
while (n := c.read(fd, buf, 1000000)) > 0:
    whole += buf.raw[:n]
print(os.strerror(ctypes.get_errno()) if n < 0 else whole == open("backups/b/vdb.raw", "rb").read())
END
# reader: one that waits, as $reader
reader() {
	python3 "$tmp/read.py" > "$tmp/said" & reader=$!
	sleep 1
}
# soon: what ends a reader does so at once, though no byte comes
soon() {
	local began=${EPOCHREALTIME/./}
	{ wait $reader || :; } 2>/dev/null
	[ $((${EPOCHREALTIME/./} - began)) -lt 3000000 ] || { echo "took too long to end"; exit 1; }
}
sleep 0.3
mkdir backups/b
echo images > "$FAKE_HANG"
reader
for signal in CHLD WINCH USR1 ALRM; do
	kill -$signal $reader
	sleep 0.2
done
is ""                   "$(cat "$tmp/said")"            # it waits on
rm "$FAKE_HANG"
wait $reader
is "True"               "$(cat "$tmp/said")"            # and has all its bytes

for signal in INT TERM KILL; do                         # not the first that it gets
	echo images > "$FAKE_HANG"
	reader
	kill -USR1 $reader
	sleep 0.2
	kill -$signal $reader
	soon
	[ $signal = KILL ] || is "Interrupted system call" "$(cat "$tmp/said")"
	rm "$FAKE_HANG"
done
reader
wait $reader
is "True"               "$(cat "$tmp/said")"
cmp backups/b/vda.raw backups/b/vdb.raw
rmdir backups/b                                         # nobody holds it any more
cd /
