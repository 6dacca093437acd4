/* backup.c - what a backup says of itself */

#include <errno.h>

#include "backup.h"
#include "disk.h"
#include "kept.h"
#include "moment.h"
#include "words.h"

static void show_kind (const struct entry *backup, const struct wish *wish, GString *out)
{
	if (wish->since)
		g_string_append_printf (out, "since %s\n", wish->since);
	else
		g_string_append (out, "full\n");
	if (backup->state)
		g_string_append_printf (out, "ended: %s\n", backup->state);
	else
		g_string_append (out, backup->pushed ? "push\n" : "pull\n");
}

static void show_disk (const struct place *at, const struct entry *disk, GString *out)
{
	g_autofree char *file = disk_listed (at, disk);

	g_string_append_printf (out, "%s %s %s", disk->name, disk->parent ? "incremental" : "full", file);
	if (disk->text)         /* why it does not count from the checkpoint */
		g_string_append_printf (out, " (%s)", disk->text);
	g_string_append_c (out, '\n');
}

int backup_type (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	LISTING disks = NULL;
	const struct entry *backup = kept_entry (at, &all, f);
	char buf[NAME_MAX + 1];
	struct wish wish;

	if (!backup || kept_disks (at, &disks, f) < 0)
		return -f->err;
	words_read (BACKUP, MOMENT (at), buf, &wish);
	show_kind (backup, &wish, out);
	for (guint i = 0; i < disks->entries->len; i++)
		show_disk (at, disks->entries->pdata[i], out);
	g_string_append (out, "quiesced no\n");
	return 0;
}

/* Go to the checkpoint that the backup AT leaves: 0 if there is none. */
static int checkpoint_of (const struct place *at, struct place *checkpoint, struct fault *f)
{
	char buf[NAME_MAX + 1];
	LISTING all = NULL;
	struct wish wish;
	int r;

	words_read (BACKUP, MOMENT (at), buf, &wish);
	if (!wish.leaves)
		return 0;
	*checkpoint = *at;
	checkpoint->kind = CHECKPOINT;
	g_strlcpy (MOMENT (checkpoint), wish.leaves, sizeof MOMENT (checkpoint));
	r = kept_can (at, CHECKPOINT, f);
	if (r > 0)
		r = moment_list (checkpoint, &all, f);
	return r < 0 || !all ? r : listing_find (all, wish.leaves) != NULL;
}

int backup_leaves (const struct place *at, struct fault *f)
{
	struct place checkpoint;

	return checkpoint_of (at, &checkpoint, f);
}

int backup_checkpoint (const struct place *at, GString *out, struct fault *f)
{
	struct place checkpoint;
	int r = checkpoint_of (at, &checkpoint, f);

	if (r == 0)
		return fault (f, ENOENT, "%s leaves no checkpoint", MOMENT (at));
	return r < 0 ? r : moment_xml (&checkpoint, out, f);
}

int backup_nvram (const struct place *at, GString *out, struct fault *f)
{
	return place_verbs (at)->nvram (at->backend, DOMAIN (at), MOMENT (at), out, f);
}

int backup_nvram_stat (const struct place *at, struct stat *st, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);

	if (!backup)
		return -f->err;
	st->st_size = backup->nvram;
	return 0;
}

int backup_has_nvram (const struct place *at, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);

	return backup ? backup->nvram > 0 : -f->err;
}
