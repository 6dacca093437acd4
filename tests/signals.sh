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
cd /
