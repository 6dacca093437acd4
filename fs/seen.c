/* seen.c - when a text last changed
 *
 * A hypervisor does not tell.  A backup tool that finds a time unchanged does not
 * read again, so what stays the same keeps its time, and what does not gets
 * another.  What is remembered of a text is a few bytes, for good. */

#include <glib.h>

#include "lock.h"
#include "seen.h"

struct seen {
	uint64_t number;        /* the key */
	uint64_t digest;
	size_t len;
	int64_t changed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *all;         /* a set of struct seen, by number */

enum { NANO = 1000000000 };

void seen_stamp (struct stat *st, int64_t time)
{
	st->st_mtim = (struct timespec) { time / NANO, time % NANO };
	st->st_ctim = st->st_atim = st->st_mtim;
}

int64_t seen_stamped (const struct stat *st)
{
	return (int64_t) st->st_mtim.tv_sec * NANO + st->st_mtim.tv_nsec;
}

static uint64_t digest_of (const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char) text[i]) * 0x100000001b3u;
	return h;
}

static struct seen *seen_new (uint64_t number, uint64_t digest, int64_t first)
{
	struct seen *seen = g_new (struct seen, 1);

	*seen = (struct seen) { .number = number, .digest = digest, .changed = first };
	g_hash_table_add (all, seen);
	return seen;
}

/* Called under the lock. */
static struct seen *find (uint64_t number)
{
	if (!all)
		all = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
	return g_hash_table_lookup (all, &number);
}

int64_t seen_change (uint64_t number, const char *text, size_t len, int64_t first)
{
	uint64_t digest = digest_of (text, len);

	LOCKED (&lock);
	struct seen *seen = find (number);

	if (!seen)
		seen = seen_new (number, digest, first);
	if (seen->digest != digest) {
		seen->digest = digest;
		seen->changed = g_get_real_time () * 1000;
	}
	seen->len = len;
	return seen->changed;
}

bool seen_last (uint64_t number, size_t *len, int64_t *changed)
{
	LOCKED (&lock);
	const struct seen *seen = find (number);

	if (!seen)
		return false;
	*len = seen->len;
	*changed = seen->changed;
	return true;
}
