/* fake-backup.c - a hypervisor made of nothing: how its backups end */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fake-record.h"

struct entry *fake_find (const GPtrArray *moments, const char *name)
{
	for (guint i = 0; i < moments->len; i++) {
		struct entry *entry = moments->pdata[i];

		if (strcmp (entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

/* What its name says it counts from, or leaves: NULL if nothing; the caller frees it. */
static char *since_of (const char *backup)
{
	const char *dots = strstr (backup, "..");

	return dots && !g_str_has_prefix (backup, "full..") ? g_strndup (backup, dots - backup) : NULL;
}

static struct entry *left_by (const struct guest *guest, const struct entry *backup)
{
	const char *dots = strstr (backup->name, "..");

	return dots ? fake_find (guest->moments[CHECKPOINT], dots + 2) : NULL;
}

static int add_checkpoint (struct guest *guest, const struct wish *wish, struct fault *f)
{
	if (wish->since && g_str_has_prefix (wish->since, "torn"))
		return fault (f, ENODATA, "vda: bitmap %s is inconsistent", wish->since);
	if (wish->leaves && fake_find (guest->moments[CHECKPOINT], wish->leaves))
		return fault (f, EEXIST, "there is a checkpoint %s already", wish->leaves);
	if (wish->leaves)
		fake_add (guest, CHECKPOINT, wish->leaves);
	return 0;
}

/* Its record is there before the first step, and goes if that fails. */
int fake_backup_begin (struct guest *guest, const struct wish *wish, struct fault *f)
{
	int r = fake_record_begin (guest, wish->name, f);

	if (r == 0)
		r = add_checkpoint (guest, wish, f);
	if (r < 0)
		fake_record_end (guest, wish->name);
	return r;
}

bool fake_backup_counts (const char *name, const char *disk)
{
	g_autofree char *since = since_of (name);

	return since && strcmp (disk, "vda") == 0;
}

/* The bytes of the qcow2 file of DISK. */
static int measure (struct backend *be, const char *domain, const char *name, struct entry *disk, struct fault *f)
{
	struct image *image = fake_disk_image (fake_of (be), domain, name, disk->parent);
	int r = be->setup->thin (image, disk->parent, &disk->thin, f);

	image_unref (image);
	return r;
}

/* Only vda counts from a checkpoint. */
int fake_backup_disks (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	g_autofree char *since = since_of (name);
	int r = be->ops->disks (be, domain, out, f);

	for (guint i = 0; r == 0 && i < out->entries->len; i++) {
		struct entry *disk = out->entries->pdata[i];

		g_clear_pointer (&disk->text, g_free);
		if (disk->can & CAN_BITMAP)
			disk->parent = g_strdup (since);
		else
			disk->text = g_strdup (since ? "raw" : NULL);
		r = measure (be, domain, name, disk, f);
	}
	return r;
}

const struct entry *fake_served (const struct guest *guest)
{
	for (guint i = 0; i < guest->moments[BACKUP]->len; i++)
		if (!((struct entry *) guest->moments[BACKUP]->pdata[i])->state)
			return guest->moments[BACKUP]->pdata[i];
	return NULL;
}

bool fake_end (struct fake *fake, struct guest *guest, const char *name, const char *why)
{
	bool any = false;

	fake_disk_end (fake, guest, name);
	for (guint i = 0; i < guest->moments[BACKUP]->len; i++) {
		struct entry *backup = guest->moments[BACKUP]->pdata[i];

		if (backup->state || (name && strcmp (backup->name, name) != 0))
			continue;
		any = true;
		backup->state = g_strdup (why);
		if (!backup->kept && !backup->complete && left_by (guest, backup))
			fake_take_out (guest, CHECKPOINT, left_by (guest, backup));
		fake_record_note (guest, backup);
	}
	return any;
}

int fake_backup_settle (struct backend *be, const char *domain, const char *name, bool keeps, bool complete,
			struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	struct guest *guest = fake_guest (fake, "settle", domain, f);
	struct entry *backup = guest ? fake_find (guest->moments[BACKUP], name) : NULL;

	if (!guest)
		return -f->err;
	if (!backup)
		return fault (f, ENOENT, "there is no %s", name);
	if (fake_record_own (guest, name, f) < 0)
		return -f->err;
	backup->kept = keeps;
	backup->complete = complete;
	fake_record_note (guest, backup);
	return 0;
}

uint64_t fake_nvram_size (void)
{
	const char *path = getenv ("FAKE_NVRAM");
	struct stat st;

	return path && stat (path, &st) == 0 ? st.st_size : 0;
}

int fake_nvram (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	struct fake *fake = fake_of (be);
	g_autofree char *bytes = NULL;
	gsize len = 0;

	(void) name;
	LOCKED (&fake->lock);
	if (!fake_guest (fake, "nvram", domain, f))
		return -f->err;
	g_file_get_contents (getenv ("FAKE_NVRAM"), &bytes, &len, NULL);
	g_string_append_len (out, bytes, len);
	return 0;
}
