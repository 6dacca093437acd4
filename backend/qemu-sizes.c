/* qemu-sizes.c - how large disks were once, for as long as the files that say so do not change
 *
 * A file is told by its inode, and each change of it by its ctime, which goes with the
 * mtime and cannot be set back.  Clocks of files have ticks, so a file that changed just
 * now may change again without a sign; a block device gives no sign at all. */

#include <inttypes.h>
#include <time.h>

#include "lock.h"
#include "qemu-sizes.h"

enum { MOST = 16384, SETTLED_SECONDS = 1 };

struct size {
	struct timespec changed;
	uint64_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards the below */
static GHashTable *all;         /* which -> size */

static char *which (const struct qemu_frozen *what, const struct stat *st)
{
	return g_strdup_printf ("%ju %ju %s %s", (uintmax_t) st->st_dev, (uintmax_t) st->st_ino, what->format,
				what->tag ? what->tag : "");
}

static bool is_settled (const struct stat *st)
{
	return S_ISREG (st->st_mode) && time (NULL) - st->st_ctim.tv_sec > SETTLED_SECONDS;
}

bool qemu_sizes_find (const struct qemu_frozen *what, const struct stat *st, uint64_t *bytes)
{
	g_autofree char *key = which (what, st);

	LOCKED (&lock);
	const struct size *size = all ? g_hash_table_lookup (all, key) : NULL;

	if (!size || size->changed.tv_sec != st->st_ctim.tv_sec || size->changed.tv_nsec != st->st_ctim.tv_nsec)
		return false;
	*bytes = size->bytes;
	return true;
}

void qemu_sizes_keep (const struct qemu_frozen *what, const struct stat *st, uint64_t bytes)
{
	struct size *size;

	if (!is_settled (st))
		return;
	size = g_new (struct size, 1);
	*size = (struct size) { st->st_ctim, bytes };
	LOCKED (&lock);
	if (!all)
		all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
	if (g_hash_table_size (all) >= MOST)
		g_hash_table_remove_all (all);
	g_hash_table_insert (all, which (what, st), size);
}
