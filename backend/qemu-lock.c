/* qemu-lock.c - the locks that QEMU holds on images, and one of ours
 *
 * QEMU locks a byte from 100 on for each thing that it does to a file, and one from 200 on
 * for each that others must not, then looks whether somebody has the other one locked
 * (block/file-posix.c).  A server that only reads does so for images with metadata: a raw
 * one it leaves to whoever would write to it, and a guest could be started from it. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <glib.h>

#include "qemu-lock.h"

enum { WRITES = 101, LETS_NOBODY_WRITE = 201 };

static bool is_written (int fd)
{
	struct flock byte = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WRITES, .l_len = 1 };

	return fcntl (fd, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

static int lock (int fd, const char *file, struct fault *f)
{
	struct flock byte = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LETS_NOBODY_WRITE, .l_len = 1 };

	if (fcntl (fd, F_OFD_SETLK, &byte) < 0)
		return fault (f, errno == EAGAIN || errno == EACCES ? EBUSY : EIO, "%s cannot be locked: %s", file, g_strerror (errno));
	return is_written (fd) ? fault (f, EBUSY, "another process writes to %s, see lsof %s", file, file) : 0;
}

int qemu_lock (const char *file, struct fault *f)
{
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return fault (f, EIO, "%s cannot be opened: %s", file, g_strerror (errno));
	if (lock (fd, file, f) == 0)
		return fd;
	close (fd);
	return -f->err;
}
