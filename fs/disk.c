/* disk.c - the files that hold the disks of a snapshot or a backup
 *
 *     vda.raw               the whole disk at that point in time
 *     vda.qcow2             of a backup, the same as far as it has data
 *     vda.B.qcow2           the same of a backup that leaves checkpoint B; if the disk
 *                           counts from A, only what changed, on top of vda.A.qcow2
 *     vda.since-A.qcow2     what changed since A, of a backup that leaves none
 *
 * A listing shows each disk once, so that cp -r copies it once: raw, or qcow2 in
 * a range.  The other is there by its name. */

#include <errno.h>
#include <string.h>

#include "chain.h"
#include "disk.h"
#include "kept.h"
#include "qcow2.h"
#include "reading.h"
#include "words.h"

enum { LONGEST_TARGET = 100 };  /* what a disk can be called, and then some */

/* A file: DISK as a whole, or as a qcow2 that holds what its map says. */
struct form {
	const struct entry *disk;
	bool thin;
};

static char *raw_name (const struct entry *disk)
{
	return g_strconcat (disk->name, ".raw", NULL);
}

static bool is_range (const struct wish *wish)
{
	return wish->since || wish->leaves;
}

char *disk_listed (const struct place *dir, const struct entry *disk)
{
	char buf[NAME_MAX + 1];
	struct wish wish;

	words_read (dir->kind, MOMENT (dir), buf, &wish);
	return is_range (&wish) ? chain_file (disk->name, disk->parent, wish.leaves) : raw_name (disk);
}

static size_t length (const char *text)
{
	return text ? strlen (text) : 0;
}

/* The definition, which tells the disks, may have to be waited for while somebody else works on the domain. */
int disk_names_fit (const struct place *at, const struct wish *wish, struct fault *f)
{
	struct place domain = *at;
	LISTING disks = NULL;
	int r;

	if (length (wish->since) + length (wish->leaves) + LONGEST_TARGET < NAME_MAX)
		return 0;
	place_climb (&domain, 1);
	r = kept_disks (&domain, &disks, f);
	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];
		g_autofree char *name = chain_file (disk->name, wish->since, wish->leaves);

		if (strlen (name) > NAME_MAX)
			r = fault (f, ENAMETOOLONG, "the file of %s would have a name of over %d bytes", disk->name, NAME_MAX);
	}
	return r;
}

static void add (struct listing *out, char *name, bool listed)
{
	if (!listing_find (out, name))
		listing_add (out, entry_new (name))->hidden = !listed;
	g_free (name);
}

static void add_files (struct listing *out, const struct place *dir, const struct entry *disk, const struct wish *wish)
{
	add (out, raw_name (disk), !is_range (wish));
	if (dir->kind == BACKUP)
		add (out, chain_file (disk->name, disk->parent, wish->leaves), is_range (wish));
}

/* What is pushed has its files elsewhere. */
static int has_files (const struct place *dir, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *moment;

	if (!place_verbs (dir)->open)
		return 0;
	moment = kept_entry (dir, &all, f);
	return moment ? !moment->pushed : -f->err;
}

int disk_list (const struct place *at, struct listing **out, struct fault *f)
{
	LISTING disks = NULL;
	char buf[NAME_MAX + 1];
	struct wish wish;
	int has = has_files (at, f), r = has > 0 ? kept_disks (at, &disks, f) : has;

	words_read (at->kind, MOMENT (at), buf, &wish);
	*out = listing_new ();
	for (guint i = 0; disks && r == 0 && i < disks->entries->len; i++)
		add_files (*out, at, disks->entries->pdata[i], &wish);
	return r;
}

static bool is_named (const struct place *at, char *name)
{
	bool is = strcmp (name, LAST (at)) == 0;

	g_free (name);
	return is;
}

/* The form of the file AT, which is of a disk that DISKS holds. */
static int form_of (const struct place *at, struct listing **disks, struct form *form, struct fault *f)
{
	char buf[NAME_MAX + 1];
	struct wish wish;

	if (kept_disks (at, disks, f) < 0)
		return -f->err;
	words_read (at->kind, MOMENT (at), buf, &wish);
	for (guint i = 0; i < (*disks)->entries->len; i++) {
		const struct entry *disk = (*disks)->entries->pdata[i];
		bool raw = is_named (at, raw_name (disk));

		*form = (struct form) { disk, !raw };
		if (raw || (at->kind == BACKUP && is_named (at, chain_file (disk->name, disk->parent, wish.leaves))))
			return 0;
	}
	return fault (f, ENOENT, "%s is gone", LAST (at));
}

int disk_open (const struct place *at, struct image **image, struct fault *f)
{
	LISTING disks = NULL;
	g_autofree char *backing = NULL;
	struct image *raw;
	struct form form;

	if (form_of (at, &disks, &form, f) < 0 || kept_check (at, f) < 0 ||
	    place_verbs (at)->open (at->backend, DOMAIN (at), MOMENT (at), form.disk->name, &raw, f) < 0)
		return -f->err;
	if (!form.thin) {
		*image = raw;
		return 0;
	}
	if (form.disk->parent)
		backing = chain_file (form.disk->name, NULL, form.disk->parent);
	return qcow2_image (raw, backing, image, f);
}

/* To look at an image opens nothing: the backend lists the sizes. */
int disk_stat (const struct place *at, struct stat *st, struct fault *f)
{
	LISTING disks = NULL;
	struct form form;

	if (form_of (at, &disks, &form, f) < 0)
		return -f->err;
	st->st_size = form.thin ? form.disk->thin : form.disk->size;
	st->st_blocks = ((form.thin ? form.disk->thin : form.disk->allocated) + 511) / 512;
	return 0;
}

static bool is_read (const struct place *dir, const char *file)
{
	struct place at = *dir;

	place_enter (&at, file);
	return reading_lacks_at (&at) == 0;
}

int disk_unread (const struct place *at, char **file, struct fault *f)
{
	LISTING disks = NULL;
	char buf[NAME_MAX + 1];
	struct wish wish;

	*file = NULL;
	if (kept_disks (at, &disks, f) < 0)
		return -f->err;
	words_read (at->kind, MOMENT (at), buf, &wish);
	for (guint i = 0; i < disks->entries->len && !*file; i++) {
		const struct entry *disk = disks->entries->pdata[i];
		g_autofree char *raw = raw_name (disk), *thin = chain_file (disk->name, disk->parent, wish.leaves);

		if (!is_read (at, raw) && !is_read (at, thin))
			*file = g_steal_pointer (&thin);
	}
	return 0;
}

/* How much of its FILE of SIZE bytes was answered; nobody needs the rest of what a reader lacks. */
static uint64_t answered (const struct place *dir, const char *file, uint64_t size)
{
	struct place at = *dir;

	place_enter (&at, file);
	return size - MIN (reading_lacks_at (&at), size);
}

/* A disk is read by one of its two files: the one that somebody has more of. */
static void add_progress (const struct place *dir, const struct entry *disk, const struct wish *wish,
			  uint64_t *done, uint64_t *total)
{
	g_autofree char *raw = raw_name (disk), *thin = chain_file (disk->name, disk->parent, wish->leaves);
	uint64_t of_raw = answered (dir, raw, disk->allocated), of_thin = answered (dir, thin, disk->thin);
	bool is_thin = of_thin > of_raw || (of_thin == of_raw && is_range (wish));

	*done += is_thin ? of_thin : of_raw;
	*total += is_thin ? disk->thin : disk->allocated;
}

int disk_progress (const struct place *at, uint64_t *done, uint64_t *total, struct fault *f)
{
	LISTING disks = NULL;
	char buf[NAME_MAX + 1];
	struct wish wish;

	if (kept_disks (at, &disks, f) < 0)
		return -f->err;
	words_read (at->kind, MOMENT (at), buf, &wish);
	*done = *total = 0;
	for (guint i = 0; i < disks->entries->len; i++)
		add_progress (at, disks->entries->pdata[i], &wish, done, total);
	return 0;
}
