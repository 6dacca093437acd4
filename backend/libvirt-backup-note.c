/* libvirt-backup-note.c - what the record of a backup says
 *
 *     socket      the job that serves there is this backup's
 *     directory   was made for the socket
 *     scratch     a line a file: how much is to stay free there, its path
 *     born        the point in time, in nanoseconds since 1970
 *     domain.xml  backup.xml
 *     nvram       what the firmware remembers, where there is any
 *     disks       a line a disk: target, size, allocated; written when mkdir is done
 *     ended       why the job is gone */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libvirt-backup-make.h"

struct records backup_records (const struct libvirt *lv, const char *uuid)
{
	return (struct records) { lv->backend.setup->state, uuid, "backup" };
}

bool backup_note (const struct records *of, const char *name, struct backup_note *note)
{
	g_autofree char *born = record_get (of, name, "born"), *disks = record_get (of, name, "disks");

	*note = (struct backup_note) {
		.socket = record_get (of, name, "socket"), .directory = record_get (of, name, "directory"),
		.ended = record_get (of, name, "ended"), .born = born ? g_ascii_strtoll (born, NULL, 10) : 0,
		.begun = disks != NULL,
	};
	return note->socket && born;
}

void backup_note_clear (struct backup_note *note)
{
	g_free (note->socket);
	g_free (note->directory);
	g_free (note->ended);
}

char *backup_disks_text (const struct listing *disks)
{
	GString *text = g_string_new (NULL);

	for (guint i = 0; i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		g_string_append_printf (text, "%s %" PRIu64 " %" PRIu64 "\n", disk->name, disk->size, disk->allocated);
	}
	return g_string_free (text, FALSE);
}

int backup_disks (const struct records *of, const char *name, struct listing *out, struct fault *f)
{
	g_autofree char *text = record_get (of, name, "disks");
	g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

	if (!text)
		return fault (f, ENOENT, "%s is gone", name);
	for (char **line = lines; **line; line++) {
		g_auto (GStrv) words = g_strsplit (*line, " ", 3);
		struct entry *disk;

		if (g_strv_length (words) != 3)
			return fault (f, EIO, "the record of %s is damaged", name);
		disk = listing_add (out, entry_new (words[0]));
		disk->size = g_ascii_strtoull (words[1], NULL, 10);
		disk->allocated = g_ascii_strtoull (words[2], NULL, 10);
	}
	return 0;
}

int backup_note_write (const struct making *m, const char *xml, struct fault *f)
{
	g_autofree char *scratch = backup_scratch_text (m->scratch);
	g_autofree char *born = g_strdup_printf ("%" PRId64, g_get_real_time () * 1000);
	g_autofree char *domain = libvirt_xml_definition (m->xml);
	const struct { const char *file, *text; } files[] = {
		{ "socket", m->note.socket }, { "directory", m->note.directory }, { "scratch", scratch },
		{ "domain.xml", domain },     { "backup.xml", xml },              { "born", born },
	};
	int r = m->nvram ? record_put_bytes (m->record, "nvram", m->nvram, f) : 0;

	for (size_t i = 0; r == 0 && i < G_N_ELEMENTS (files); i++)
		r = record_put (m->record, files[i].file, files[i].text, f);
	return r;
}
