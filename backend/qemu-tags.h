/* qemu-tags.h - the internal snapshots that a qcow2 file says it holds
 *
 * Read from the file itself, without a lock: right as long as nobody makes or deletes
 * one meanwhile, also under a running guest. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

/* How many in FILE are called TAG; or -EIO. */
int qemu_tags_count (const char *file, const char *tag, struct fault *);

/* One of them. */
struct qemu_tag {
	uint64_t size;          /* of the disk then */
	char *id;
	GBytes *entry;          /* of the table: no other is the same, whatever its name */
};

/* The one that is called NAME in the file FD: -ENOENT; -EEXIST if there are several; -EIO. */
int qemu_tag_find (int fd, const char *name, struct qemu_tag *);
void qemu_tag_clear (struct qemu_tag *);

/* Is it still there, as it was?  QEMU takes it out of the table before it gives up its data. */
bool qemu_tag_is_there (int fd, const struct qemu_tag *);
