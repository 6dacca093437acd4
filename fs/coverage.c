/* coverage.c - which bytes of a file have been answered, in any order, to anybody
 *
 * Kept as stretches that neither meet nor touch, so that who reads from the
 * beginning to the end leaves one. */

#include "coverage.h"
#include "lock.h"

struct stretch {
	uint64_t from, to;
};

struct coverage {
	pthread_mutex_t lock;   /* guards the below */
	GArray *stretches;      /* of struct stretch, by place */
	uint64_t lacks;
};

struct coverage *coverage_new (uint64_t size)
{
	struct coverage *coverage = g_new (struct coverage, 1);

	*coverage = (struct coverage) { .stretches = g_array_new (FALSE, FALSE, sizeof (struct stretch)), .lacks = size };
	pthread_mutex_init (&coverage->lock, NULL);
	return coverage;
}

void coverage_free (struct coverage *coverage)
{
	if (!coverage)
		return;
	pthread_mutex_destroy (&coverage->lock);
	g_array_unref (coverage->stretches);
	g_free (coverage);
}

static struct stretch *nth (const struct coverage *coverage, guint i)
{
	return &g_array_index (coverage->stretches, struct stretch, i);
}

/* The first stretch that ends at AT or later. */
static guint find (const struct coverage *coverage, uint64_t at)
{
	guint low = 0, high = coverage->stretches->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (nth (coverage, middle)->to < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void coverage_add (struct coverage *coverage, uint64_t at, uint64_t len)
{
	struct stretch all = { at, at + len };
	guint first, end;

	if (len == 0)
		return;
	LOCKED (&coverage->lock);
	first = end = find (coverage, at);
	for (; end < coverage->stretches->len && nth (coverage, end)->from <= all.to; end++) {
		all.from = MIN (all.from, nth (coverage, end)->from);
		all.to = MAX (all.to, nth (coverage, end)->to);
		coverage->lacks += nth (coverage, end)->to - nth (coverage, end)->from;
	}
	coverage->lacks -= all.to - all.from;
	if (end == first) {
		g_array_insert_val (coverage->stretches, first, all);
		return;
	}
	*nth (coverage, first) = all;
	if (end - first > 1)
		g_array_remove_range (coverage->stretches, first + 1, end - first - 1);
}

int coverage_spare (struct coverage *coverage, struct image *image, struct fault *f)
{
	struct extent e;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < image->size; at += e.len) {
		r = image_needed (image, at, &e, f);
		if (r == 0 && !e.data)
			coverage_add (coverage, at, e.len);
	}
	return r;
}

uint64_t coverage_lacks (struct coverage *coverage)
{
	LOCKED (&coverage->lock);

	return coverage->lacks;
}
