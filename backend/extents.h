/* extents.h - which stretches of an image have data
 *
 * Filled once from its begin to its end; from then on it never changes, and any
 * thread may look.  10^6 stretches of data take 16 MB. */
#pragma once

#include <glib.h>

#include "image.h"

struct extents {
	GArray *edges;          /* of uint64_t: where data begins, ends, begins, ... */
	uint64_t len;           /* how far it is known */
	uint64_t data, data_end;        /* how much data there is; behind the last of it */
};

void extents_init (struct extents *);
void extents_free (struct extents *);

/* The next LEN bytes.  Where there are too many edges to keep, holes count as data. */
void extents_add (struct extents *, uint64_t len, bool data);

/* What is AT, which is less than what is known, and how far it stays so. */
void extents_at (const struct extents *, uint64_t at, struct extent *);
