/* libvirt-backup-begin.c - a backup of a running domain is a job of libvirt
 *
 * libvirt begins it in one step, with all that belongs to it, or nothing of it. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-make.h"
#include "libvirt-checkpoint.h"

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
static struct libvirt_backup_disk in_job (const struct making *m, const struct libvirt_disk *disk, const char *since)
{
	struct libvirt_backup_disk in = { .target = disk->target };

	for (guint i = 0; i < m->parts->len; i++)
		if (backup_part (m, i)->disk == disk) {
			in.takes_part = true;
			in.scratch = g_array_index (m->scratch, struct backup_scratch, i).path;
			in.since = backup_part (m, i)->counts ? since : NULL;
		}
	return in;
}

static char *document (const struct making *m)
{
	g_autofree struct libvirt_backup_disk *disks = g_new (struct libvirt_backup_disk, m->disks->len);
	g_autofree char *since = m->wish->since ? name_decode (m->wish->since) : NULL;

	for (guint i = 0; i < m->disks->len; i++)
		disks[i] = in_job (m, m->disks->pdata[i], since);
	return libvirt_xml_new_backup (m->note.socket, disks, m->disks->len);
}

/* As libvirt has it, with what it has added. */
static int keep_document (const struct making *m, struct fault *f)
{
	g_autofree char *xml = virDomainBackupGetXMLDesc (m->dom, 0);

	return xml ? record_put (m->record, "backup.xml", xml, f) : libvirt_fault (f);
}

/* What fails is undone by libvirt itself, unless nobody can be asked any more. */
static int begin_job (struct making *m, const char *xml, struct fault *f)
{
	int r;

	m->asked = true;
	r = virDomainBackupBegin (m->dom, xml, m->checkpoint, 0) < 0 ? libvirt_fault (f) : 0;
	m->marked = r == 0 || r == -ENOTCONN;
	if (r == 0 && m->checkpoint)
		r = checkpoint_verify (m->lv, m->dom, m->wish->leaves, f);
	return r < 0 ? r : keep_document (m, f);
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
	return r < 0 ? r : begin_job (m, xml, f);
}

const struct backup_way backup_by_job = { plan, begin, BY_ABORT };
