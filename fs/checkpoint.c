/* checkpoint.c - what a checkpoint is good for
 *
 * How much changed may have to wait behind a job, so ls must not ask: the lines
 * of "changed" have a fixed width, and its size is known without them. */

#include <errno.h>
#include <string.h>

#include "checkpoint.h"
#include "kept.h"
#include "seen.h"
#include "words.h"

enum { WIDTH = 20 };

int checkpoint_status (const struct place *at, GString *out, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		g_string_append_printf (out, "%s %s\n", disk->name, disk->state);
	}
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
