/* qemu-frozen.h - disks as they were once, which nobody writes to any more
 *
 * Either an internal snapshot in a qcow2 file, in which a guest goes on writing, or a file
 * that nothing else is written to.  Each that is open has a qemu-nbd of its own, which ends
 * with it, or with us, and a directory for that. */
#pragma once

#include "fault.h"
#include "image.h"

struct qemu_frozen {
	const char *file, *format;
	const char *tag;        /* of the snapshot, or NULL */
};

/* How large it is, in bytes, without asking or starting anybody.  ENOENT: there is no such file or snapshot;
 * EEXIST: there are several of that name; EOPNOTSUPP: that cannot be told; EIO. */
int qemu_frozen_size (const struct qemu_frozen *, uint64_t *bytes, struct fault *);

/* Its bytes, by way of a directory that is made in RUN.  EBUSY: another process writes to a file that must not
 * change; else as above.
 *
 * A snapshot in a file keeps nobody from starting the guest, or from deleting it.  Then all is EIO from there on:
 * before each answer its entry in the file is looked at again. */
int qemu_frozen_open (const struct qemu_frozen *, const char *run, struct image **, struct fault *);

/* End and remove in RUN what belongs to processes that are no more. */
void qemu_frozen_tidy (const char *run);
