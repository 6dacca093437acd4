/* libvirt-backup-begin.c - a backup of a running domain is a job of libvirt
 *
 * libvirt begins it in one step, with all that belongs to it, or nothing of it. */

#include <string.h>

#include "libvirt-backup-make.h"

static int plan (struct making *m, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < m->parts->len; i++) {
		const struct libvirt_disk *disk = backup_part (m, i)->disk;
		bool has_directory = strcmp (disk->type, "file") == 0;
		struct backup_scratch scratch;

		r = backup_scratch_place (m->lv->backend.setup, m->domain, m->name, disk->target,
					  has_directory ? disk->source : NULL, &scratch, f);
		if (r == 0)
			g_array_append_val (m->scratch, scratch);
	}
	return r;
}

/* Of a disk that libvirt is not told of it would choose by itself. */
static struct libvirt_backup_disk in_job (const struct making *m, const struct libvirt_disk *disk)
{
	struct libvirt_backup_disk in = { .target = disk->target };

	for (guint i = 0; i < m->parts->len; i++)
		if (backup_part (m, i)->disk == disk)
			in.scratch = g_array_index (m->scratch, struct backup_scratch, i).path;
	return in;
}

static char *document (const struct making *m)
{
	g_autofree struct libvirt_backup_disk *disks = g_new (struct libvirt_backup_disk, m->disks->len);

	for (guint i = 0; i < m->disks->len; i++)
		disks[i] = in_job (m, m->disks->pdata[i]);
	return libvirt_xml_new_backup (m->note.socket, disks, m->disks->len);
}

/* As libvirt has it, with what it has added. */
static int keep_document (const struct making *m, struct fault *f)
{
	g_autofree char *xml = virDomainBackupGetXMLDesc (m->dom, 0);

	return xml ? record_put (m->record, "backup.xml", xml, f) : libvirt_fault (f);
}

static int begin (struct making *m, struct fault *f)
{
	g_autofree char *xml = NULL;
	int r = backup_socket_place (m->lv, m->dom, &m->note.socket, &m->note.directory, f);

	if (r < 0)
		return r;
	xml = document (m);
	r = backup_note_write (m, xml, f);
	if (r == 0 && m->note.directory)
		r = backup_socket_make (m->note.directory, m->xml, f);
	if (r < 0)
		return r;
	m->asked = true;
	return virDomainBackupBegin (m->dom, xml, NULL, 0) < 0 ? libvirt_fault (f) : keep_document (m, f);
}

const struct backup_way backup_by_job = { plan, begin };
