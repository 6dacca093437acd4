/* backup.c - what a backup says of itself */

#include "backup.h"
#include "disk.h"
#include "kept.h"

int backup_type (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	LISTING disks = NULL;
	const struct entry *backup = kept_entry (at, &all, f);

	if (!backup || kept_disks (at, &disks, f) < 0)
		return -f->err;
	g_string_append (out, "full\n");
	g_string_append_printf (out, backup->state ? "ended: %s\n" : "pull\n", backup->state);
	for (guint i = 0; i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];
		g_autofree char *file = disk_file (disk);

		g_string_append_printf (out, "%s full %s\n", disk->name, file);
	}
	g_string_append (out, "quiesced no\n");
	return 0;
}
