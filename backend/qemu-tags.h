/* qemu-tags.h - the internal snapshots that a qcow2 file says it holds
 *
 * Read from the file itself, without a lock: right as long as nobody makes or deletes
 * one meanwhile, also under a running guest. */
#pragma once

#include "fault.h"

/* How many in FILE are called TAG; or -EIO. */
int qemu_tags_count (const char *file, const char *tag, struct fault *);
