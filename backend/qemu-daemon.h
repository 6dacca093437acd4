/* qemu-daemon.h - programs of QEMU's that outlive who started them
 *
 * Each holds a lock on its pid file until it ends, however it does: so whoever knows that
 * file finds it again, and takes no other process for it.  Any thread may call these. */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "fault.h"

/* Run ARGV, which goes into the background and writes a pid file, and wait until it has.  It inherits
 * the files HELD, of int, and nothing else of ours.  EOPNOTSUPP: there is no such program; EBUSY: another process holds a lock of a file;
 * else EIO, with its own sentence. */
int qemu_daemon_start (const char *const argv[], const GArray *held, struct fault *);

/* Who holds PID_FILE, or 0. */
pid_t qemu_daemon_pid (const char *pid_file);

/* End who holds PID_FILE, and wait until it has gone; it must be one that only reads.  ETIMEDOUT; EPERM. */
int qemu_daemon_end (const char *pid_file, struct fault *);
