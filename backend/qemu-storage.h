/* qemu-storage.h - images of a domain that is off, served by a qemu-storage-daemon
 *
 * It is known by its directory, which nobody else may enter: the daemon binds its sockets
 * there and keeps its pid file.  It outlives who started it; any process may look at it
 * and end it.  Until then it holds QEMU's own locks on the images: they can be read by
 * others, and neither written to nor started from. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "fault.h"

struct qemu_storage_disk {
	const char *name;       /* of its export */
	const char *file, *format;
	const char *bitmap;     /* what is shown as its bitmap backup-NAME, as libvirt calls it; or NULL */
};

/* Start one for DISKS, which serves them read-only at the unix socket SOCKET, each by its name.  DIRECTORY and
 * that of SOCKET are there.  EBUSY: another process writes to an image; EOPNOTSUPP: it is none that can be
 * served; ENODATA: there is no such bitmap; EIO.  After a failure, it is to be ended. */
int qemu_storage_start (const char *directory, const char *socket, const struct qemu_storage_disk *disks, size_t n,
			struct fault *);

bool qemu_storage_is_there (const char *directory);

/* There is none any more when this returns, nor anything that it has left in DIRECTORY: its locks are free. */
int qemu_storage_end (const char *directory, struct fault *);
