/* libvirt-backup-note.c - what the record of a backup says
 *
 *     socket      the job that serves there is this backup's
 *     directory   was made for the socket
 *     target      the directory that libvirt writes it into; then socket is the first file there
 *     files       of those a line each: name, backing file or -, inode or 0
 *     written     they are whole
 *     scratch     a line a file: how much is to stay free there, its path
 *     hypervisor  as the command line names it
 *     born        the point in time, in nanoseconds since 1970
 *     domain.xml  backup.xml
 *     nvram       what the firmware remembers, where there is any
 *     since       the checkpoint it counts from
 *     leaves      the checkpoint that was made with it
 *     disks       a line a disk: target, size, allocated, size as qcow2, the checkpoint that
 *                 it counts from or -, why it is full; written when mkdir is done
 *     keep        the user wants to keep that
 *     complete    all was read
 *     ended       why the job is gone
 *     fate        what became of the checkpoint then */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libvirt-backup-make.h"

struct records backup_records (const struct libvirt *lv, const char *uuid)
{
	return (struct records) { lv->backend.setup->state, uuid, "backup" };
}

bool backup_has (const struct records *of, const char *name, const char *file)
{
	g_autofree char *text = record_get (of, name, file);

	return text != NULL;
}

bool backup_note (const struct records *of, const char *name, struct backup_note *note)
{
	g_autofree char *born = record_get (of, name, "born"), *disks = record_get (of, name, "disks");

	*note = (struct backup_note) {
		.socket = record_get (of, name, "socket"), .directory = record_get (of, name, "directory"),
		.target = record_get (of, name, "target"),
		.since = record_get (of, name, "since"), .leaves = record_get (of, name, "leaves"),
		.ended = record_get (of, name, "ended"), .born = born ? g_ascii_strtoll (born, NULL, 10) : 0,
		.begun = disks != NULL, .kept = backup_has (of, name, "keep"), .complete = backup_has (of, name, "complete"),
	};
	return note->socket && born;
}

void backup_note_clear (struct backup_note *note)
{
	g_free (note->socket);
	g_free (note->directory);
	g_free (note->target);
	g_free (note->since);
	g_free (note->leaves);
	g_free (note->ended);
}

char *backup_disks_text (const struct listing *disks)
{
	GString *text = g_string_new (NULL);

	for (guint i = 0; i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		g_string_append_printf (text, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %s\n", disk->name, disk->size,
					disk->allocated, disk->thin, disk->parent ? disk->parent : "-",
					disk->text ? disk->text : "");
	}
	return g_string_free (text, FALSE);
}

static bool add_disk (struct listing *out, const char *line)
{
	g_auto (GStrv) words = g_strsplit (line, " ", 6);
	struct entry *disk;

	if (g_strv_length (words) != 6)
		return false;
	disk = listing_add (out, entry_new (words[0]));
	disk->size = g_ascii_strtoull (words[1], NULL, 10);
	disk->allocated = g_ascii_strtoull (words[2], NULL, 10);
	disk->thin = g_ascii_strtoull (words[3], NULL, 10);
	disk->parent = strcmp (words[4], "-") == 0 ? NULL : g_strdup (words[4]);
	disk->text = *words[5] ? g_strdup (words[5]) : NULL;
	return true;
}

int backup_disks (const struct records *of, const char *name, struct listing *out, struct fault *f)
{
	g_autofree char *text = record_get (of, name, "disks");
	g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

	if (!text)
		return fault (f, ENOENT, "%s is gone", name);
	for (char **line = lines; **line; line++)
		if (!add_disk (out, *line))
			return fault (f, EIO, "the record of %s is damaged", name);
	return 0;
}

int backup_note_write (const struct making *m, const char *xml, struct fault *f)
{
	g_autofree char *scratch = backup_scratch_text (m->scratch);
	g_autofree char *born = g_strdup_printf ("%" PRId64, g_get_real_time () * 1000);
	g_autofree char *domain = libvirt_xml_definition (m->xml);
	const struct { const char *file, *text; } files[] = {
		{ "socket", m->note.socket }, { "directory", m->note.directory }, { "scratch", scratch },
		{ "target", m->note.target }, { "files", m->files },
		{ "since", m->note.since },   { "leaves", m->note.leaves },       { "domain.xml", domain },
		{ "backup.xml", xml },        { "born", born },
		{ "hypervisor", m->lv->backend.setup->shown },
	};
	int r = m->nvram ? record_put_bytes (m->record, "nvram", m->nvram, f) : 0;

	for (size_t i = 0; r == 0 && i < G_N_ELEMENTS (files); i++)
		r = record_put (m->record, files[i].file, files[i].text, f);
	return r;
}
