/* qemu-sizes.h - how large disks were once, for as long as the files that say so do not change
 *
 * To list the disks of a thousand snapshots would else read a thousand files, each second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "qemu-frozen.h"

/* What was kept of the file that is ST now; false: nothing, or it has changed since. */
bool qemu_sizes_find (const struct qemu_frozen *, const struct stat *st, uint64_t *bytes);

/* Keep what was read from the file, which was ST before that.  It is not kept where a later change might not be seen. */
void qemu_sizes_keep (const struct qemu_frozen *, const struct stat *st, uint64_t bytes);
