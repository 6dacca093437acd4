/* qemu-chain.h - the files that a disk is made of
 *
 * Each with its format, which is never guessed: a guest writes what it likes into a raw
 * image, and QEMU would take that for a format, and open what it names. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "fault.h"

struct qemu_layer {
	char *file, *format;
};

/* FILE, of FORMAT, and what it rests on, from the active layer down: of struct qemu_layer, the caller's.
 * Or NULL: EOPNOTSUPP where a backing file is none of this host, or has no format; EIO. */
GPtrArray *qemu_chain (const char *file, const char *format, struct fault *);

/* Let no QEMU write to its files, from the layer FROM on: adds to HELD, of int, files that keep it so until they
 * are closed.  EBUSY; EIO. */
int qemu_chain_hold (const GPtrArray *chain, guint from, GArray *held, struct fault *);

/* Of int, which are closed with it: for the above. */
GArray *qemu_held_new (void);

/* CHAIN for QEMU, to be opened read-only: its nodes are called NAME-0, NAME-1 and so on, or have no names
 * if that is NULL.  UNLOCKED, the active layer may be written to meanwhile.  It is the caller's. */
json_t *qemu_chain_node (const GPtrArray *chain, const char *name, bool unlocked);
char *qemu_chain_text (const GPtrArray *chain, bool unlocked);         /* without names, for a command line; or NULL */
