/* checkpoint.c - what a checkpoint is good for
 *
 * How much changed, and whether its bitmaps are right, the guest's QEMU knows, so ls
 * must not ask.  The lines of "changed" have a fixed width, and its size is known
 * without them.  "status" has the size that it had last; and before anybody has read
 * it, the one that it has if all is well. */

#include <errno.h>
#include <string.h>

#include "checkpoint.h"
#include "kept.h"
#include "seen.h"
#include "words.h"

enum { WIDTH = 20 };

static void show_status (const char *disk, const char *status, GString *out)
{
	g_string_append_printf (out, "%s %s\n", disk, status);
}

/* What is seen of the text of this checkpoint, and of no other of its name. */
static uint64_t number_of (const struct place *at, int64_t *born)
{
	struct fault ignored;

	kept_born (at, born, &ignored);
	return place_number (at) ^ (uint64_t) *born;
}

int checkpoint_status (const struct place *at, GString *out, struct fault *f)
{
	LISTING disks = listing_new ();
	int r = place_verbs (at)->status (at->backend, DOMAIN (at), MOMENT (at), disks, f);
	int64_t born;
	uint64_t number = number_of (at, &born);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		show_status (disk->name, disk->state, out);
	}
	if (r == 0)
		seen_change (number, out->str, out->len, born);
	return r;
}

static int show_well (const struct place *at, GString *out, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		show_status (disk->name, disk->state ? disk->state : "ok", out);
	}
	return r;
}

int checkpoint_status_stat (const struct place *at, struct stat *st, struct fault *f)
{
	g_autoptr (GString) well = g_string_new (NULL);
	int64_t born, changed;
	uint64_t number = number_of (at, &born);
	size_t len;
	int r = 0;

	if (!seen_last (number, &len, &changed)) {
		r = show_well (at, well, f);
		len = well->len;
		changed = born;
	}
	st->st_size = len;
	seen_stamp (st, changed);
	return r;
}

int checkpoint_changed (const struct place *at, GString *out, struct fault *f)
{
	LISTING disks = NULL;
	LISTING changed = listing_new ();
	int r = kept_disks (at, &disks, f);

	if (r == 0)
		r = place_verbs (at)->changed (at->backend, DOMAIN (at), MOMENT (at), changed, f);
	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i], *found = listing_find (changed, disk->name);

		if (found)
			g_string_append_printf (out, "%s %*" G_GUINT64_FORMAT "\n", disk->name, WIDTH, (guint64) found->size);
		else
			g_string_append_printf (out, "%s %*s\n", disk->name, WIDTH, "-");
	}
	return r;
}

int checkpoint_changed_stat (const struct place *at, struct stat *st, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++)
		st->st_size += strlen (((struct entry *) disks->entries->pdata[i])->name) + WIDTH + 2;
	seen_stamp (st, g_get_real_time () * 1000);
	return r;
}

/* A checkpoint of others may be called what "full.." means here. */
static int check_points (const struct listing *all, const struct wish *wish, struct fault *f)
{
	if (!wish->since && listing_find (all, "full"))
		return fault (f, EINVAL, "%s is ambiguous: there is a checkpoint full", wish->name);
	if (wish->since && !listing_find (all, wish->since))
		return fault (f, ENOENT, "there is no checkpoint %s", wish->since);
	if (wish->leaves && listing_find (all, wish->leaves))
		return fault (f, EEXIST, "there is a checkpoint %s already", wish->leaves);
	return 0;
}

int checkpoint_range (const struct place *at, const struct wish *wish, struct fault *f)
{
	LISTING all = NULL;
	int can = kept_can (at, CHECKPOINT, f);

	if (!wish->since && !wish->leaves)
		return 0;
	if (can == 0)
		return fault (f, EOPNOTSUPP, "%s can have no checkpoints: mkdir backups/NAME is a full backup", DOMAIN (at));
	if (can < 0 || kept_moments (at, CHECKPOINT, &all, f) < 0)
		return -f->err;
	return check_points (all, wish, f);
}

static bool may_mean (const char *name, const char *checkpoint)
{
	g_autofree char *since = g_strconcat (checkpoint, "..", NULL), *leaves = g_strconcat ("..", checkpoint, NULL);

	return strstr (checkpoint, "..") && (g_str_has_prefix (name, since) || g_str_has_suffix (name, leaves));
}

int checkpoint_explain (const struct place *at, const char *name, struct fault *f)
{
	LISTING all = NULL;
	struct fault ignored;

	if (kept_can (at, CHECKPOINT, &ignored) <= 0 || kept_moments (at, CHECKPOINT, &all, &ignored) < 0)
		return -EINVAL;
	for (guint i = 0; i < all->entries->len; i++) {
		const char *checkpoint = ((struct entry *) all->entries->pdata[i])->name;

		if (may_mean (name, checkpoint))
			return fault (f, EINVAL, "%s is ambiguous: there is a checkpoint %s", name, checkpoint);
	}
	return -EINVAL;
}

static bool needs (const struct entry *backup, const char *checkpoint)
{
	char buf[NAME_MAX + 1];
	struct wish wish;

	words_read (BACKUP, backup->name, buf, &wish);
	return !backup->state && (g_strcmp0 (wish.since, checkpoint) == 0 || g_strcmp0 (wish.leaves, checkpoint) == 0);
}

int checkpoint_is_free (const struct place *at, const char *name, struct fault *f)
{
	LISTING all = NULL;
	int can = kept_can (at, BACKUP, f), r = can > 0 ? kept_moments (at, BACKUP, &all, f) : can;

	for (guint i = 0; all && r == 0 && i < all->entries->len; i++) {
		const struct entry *backup = all->entries->pdata[i];

		if (needs (backup, name))
			r = fault (f, EBUSY, "backup %s needs it until its rmdir", backup->name);
	}
	return r;
}
