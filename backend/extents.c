/* extents.c - which stretches of an image have data, or are dirty */

#include "extents.h"

enum { MAX_EDGES = 1 << 22 };           /* 32 MB, whatever a server says */

void extents_init (struct extents *extents)
{
	*extents = (struct extents) { .edges = g_array_new (FALSE, FALSE, sizeof (uint64_t)) };
}

void extents_free (struct extents *extents)
{
	g_array_unref (extents->edges);
}

/* Is the last that was added data? */
static bool in_data (const struct extents *extents)
{
	return extents->edges->len % 2 == 1;
}

void extents_add (struct extents *extents, uint64_t len, bool data)
{
	data |= in_data (extents) && extents->edges->len > MAX_EDGES;
	if (len > 0 && data != in_data (extents))
		g_array_append_val (extents->edges, extents->len);
	extents->len += len;
	if (!data)
		return;
	extents->data += len;
	extents->data_end = extents->len;
}

/* How many edges are not behind AT. */
static guint edges_until (const struct extents *extents, uint64_t at)
{
	const uint64_t *edge = (const uint64_t *) extents->edges->data;
	guint from = 0, to = extents->edges->len;

	while (from < to) {
		guint middle = from + (to - from) / 2;

		if (edge[middle] <= at)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Is what is AT in EXTENTS?  Shorten *END to where that ends. */
static bool is_in (const struct extents *extents, uint64_t at, uint64_t *end)
{
	guint n = edges_until (extents, at);

	*end = MIN (*end, n < extents->edges->len ? g_array_index (extents->edges, uint64_t, n) : extents->len);
	return n % 2 == 1;
}

void extents_at (const struct extents *data, const struct extents *dirty, uint64_t at, struct extent *out)
{
	uint64_t end = UINT64_MAX;
	bool is_data = is_in (data, at, &end), is_dirty = is_in (dirty, at, &end);

	*out = (struct extent) { .len = end - at, .data = is_data, .dirty = is_dirty };
}
