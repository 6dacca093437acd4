/* extents.h - which stretches of an image have data, or are dirty
 *
 * Filled once from its begin to its end; from then on it never changes, and any
 * thread may look.  10^6 stretches of data take 16 MB, and none of these more than 32 MB. */
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

/* The next LEN bytes.  Where there are too many edges to keep, holes count as data,
 * and what is clean as dirty. */
void extents_add (struct extents *, uint64_t len, bool data);

/* What is AT, which is less than what is known of both, and how far both stay so. */
void extents_at (const struct extents *data, const struct extents *dirty, uint64_t at, struct extent *);
