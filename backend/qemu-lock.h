/* qemu-lock.h - the locks that QEMU holds on images, and one of ours */
#pragma once

#include "fault.h"

/* FILE, opened, so that until that is closed, by everybody who has inherited it, no QEMU opens it to write to
 * it.  Or -errno: EBUSY if one has; EIO. */
int qemu_lock (const char *file, struct fault *);
