/* qemu-offline.h - images, looked at and mended without their guest
 *
 * FILE is an absolute path of a qcow2 image.  Each of these runs qemu-img, or opens the
 * file itself, and may wait for its storage; none takes a lock that would hold back a
 * guest's start. */
#pragma once

#include <stdbool.h>

#include "fault.h"

/* Can FILE be opened, and its backing files? */
int qemu_offline_check (const char *file, struct fault *);

/* What qemu-img says of FILE alone, in JSON; it is the caller's.  Or NULL: EIO. */
char *qemu_offline_info (const char *file, const char *format, struct fault *);

/* How many internal snapshots FILE holds that are called TAG, of a guest that runs, by what
 * query-named-block-nodes answered: NODES. */
int qemu_offline_tags_in_nodes (const char *nodes, const char *file, const char *tag, struct fault *);

/* Remove the first that is called TAG; the guest must be off. */
int qemu_offline_remove_tag (const char *file, const char *tag, struct fault *);

/* Make FILE rest on BACKING, a qcow2 beside it, which nobody opens for that: it must hold what FILE was made to rest on.
 * EBUSY: another process has FILE open. */
int qemu_offline_rebase (const char *file, const char *backing, struct fault *);

/* Does a process hold FILE open so that nobody else may write to it? */
bool qemu_offline_is_locked (const char *file);

/* Can FILE hold bitmaps, as far as one may read it? */
bool qemu_offline_holds_bitmaps (const char *file);

/* Add and remove a bitmap that records from then on; the guest must be off: EBUSY, another process has FILE open. */
int qemu_offline_add_bitmap (const char *file, const char *name, struct fault *);
int qemu_offline_remove_bitmap (const char *file, const char *name, struct fault *);
