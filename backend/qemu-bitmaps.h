/* qemu-bitmaps.h - the bitmaps that qcow2 files say they hold
 *
 * Read from the files themselves, without a lock and without a process.  A guest that runs
 * keeps its bitmaps in memory: until it ends, its files call them inconsistent, and lack
 * those that are new. */
#pragma once

#include <glib.h>

enum bitmap { BITMAP_MISSING, BITMAP_OK, BITMAP_INCONSISTENT, BITMAP_UNKNOWN };

/* How the bitmap NAME of a disk is whose guest is off, and whose active layer is FILE.  libvirt's own
 * rule: it is there, in the layers below as far as in no other, and each of them recorded all. */
enum bitmap qemu_bitmap (const char *file, const char *name);

/* The files of that chain that hold NAME, in whatever state, from the active layer down as far as they
 * can be read; of char *, the caller's. */
GPtrArray *qemu_bitmap_files (const char *file, const char *name);

/* The names of all bitmaps that FILE itself holds, of char *; the caller's. */
GPtrArray *qemu_bitmap_names (const char *file);
