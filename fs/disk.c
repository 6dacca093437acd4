/* disk.c - the files that hold the disks of a backup
 *
 *     vda.raw               the whole disk at that point in time */

#include <errno.h>
#include <string.h>

#include "disk.h"
#include "kept.h"

static const char suffix[] = ".raw";

char *disk_file (const struct entry *disk)
{
	return g_strconcat (disk->name, suffix, NULL);
}

int disk_names_fit (const struct place *at, struct fault *f)
{
	struct place domain = *at;
	LISTING disks = NULL;
	int r;

	place_climb (&domain, 1);
	r = kept_disks (&domain, &disks, f);
	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		if (strlen (disk->name) + strlen (suffix) > NAME_MAX)
			r = fault (f, ENAMETOOLONG, "the file of %s would have a name of over %d bytes", disk->name, NAME_MAX);
	}
	return r;
}

int disk_list (const struct place *at, struct listing **out, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	*out = listing_new ();
	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		g_autofree char *file = disk_file (disks->entries->pdata[i]);

		listing_add (*out, entry_new (file));
	}
	return r;
}

/* The disk whose file is AT, of what DISKS holds. */
static const struct entry *disk_of (const struct place *at, struct listing **disks, struct fault *f)
{
	const struct entry *disk = NULL;
	g_autofree char *name = NULL;

	if (kept_disks (at, disks, f) < 0)
		return NULL;
	if (g_str_has_suffix (LAST (at), suffix)) {
		name = g_strndup (LAST (at), strlen (LAST (at)) - strlen (suffix));
		disk = listing_find (*disks, name);
	}
	if (!disk)
		fault (f, ENOENT, "%s is gone", LAST (at));
	return disk;
}

int disk_open (const struct place *at, struct image **image, struct fault *f)
{
	LISTING disks = NULL;
	const struct entry *disk = disk_of (at, &disks, f);

	if (!disk || kept_check (at, f) < 0)
		return -f->err;
	return place_verbs (at)->open (at->backend, DOMAIN (at), MOMENT (at), disk->name, image, f);
}

/* To look at an image opens nothing: the backend lists the sizes. */
int disk_stat (const struct place *at, struct stat *st, struct fault *f)
{
	LISTING disks = NULL;
	const struct entry *disk = disk_of (at, &disks, f);

	if (!disk)
		return -f->err;
	st->st_size = disk->size;
	st->st_blocks = (disk->allocated + 511) / 512;
	return 0;
}
