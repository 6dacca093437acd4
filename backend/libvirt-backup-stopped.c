/* libvirt-backup-stopped.c - backups of domains that are off
 *
 * Nobody writes to the images, so they need only be held as they are: the daemon opens
 * them with QEMU's locks, and whoever would start the domain fails on these, with no
 * harm done.  One that is started while we are about to lose, the other way round. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-stopped.h"
#include "libvirt-checkpoint.h"
#include "qemu-storage.h"

static const char base[] = "storage";   /* of the socket; a job's is called otherwise */

bool backup_is_stopped (const char *socket)
{
	g_autofree char *name = g_path_get_basename (socket);

	return strcmp (name, base) == 0;
}

bool backup_stopped_runs (const char *socket)
{
	g_autofree char *directory = g_path_get_dirname (socket);

	return qemu_storage_is_there (directory);
}

int backup_stopped_end (const char *socket, struct fault *f)
{
	g_autofree char *directory = g_path_get_dirname (socket);

	return qemu_storage_end (directory, f);
}

static int check_disk (const struct libvirt_disk *disk, struct fault *f)
{
	if (strcmp (disk->type, "file") == 0 || strcmp (disk->type, "block") == 0)
		return 0;
	return fault (f, EOPNOTSUPP, "%s is no file here, and can only be read by its guest: start it, "
		      "or write the other disks to options/disks", disk->target);
}

static int plan (struct making *m, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < m->parts->len; i++)
		r = check_disk (backup_part (m, i)->disk, f);
	return r;
}

/* What libvirt would be told to do. */
static char *document (const struct making *m)
{
	g_autofree struct libvirt_backup_disk *disks = g_new0 (struct libvirt_backup_disk, m->parts->len);
	g_autofree char *since = m->wish->since ? name_decode (m->wish->since) : NULL;

	for (guint i = 0; i < m->parts->len; i++) {
		const struct backup_part *part = backup_part (m, i);

		disks[i] = (struct libvirt_backup_disk) { .target = part->disk->target, .takes_part = true,
							  .since = part->counts ? since : NULL };
	}
	return libvirt_xml_new_backup (m->note.socket, disks, m->parts->len);
}

/* In the directory that is made for it. */
static int place (struct making *m, struct fault *f)
{
	int r = backup_socket_place (m->lv, m->dom, &m->note.socket, &m->note.directory, f);

	g_free (m->note.socket);
	m->note.socket = g_build_filename (m->note.directory, base, NULL);
	return r;
}

static int serve (struct making *m, struct fault *f)
{
	g_autofree struct qemu_storage_disk *disks = g_new (struct qemu_storage_disk, m->parts->len);
	g_autofree char *since = m->wish->since ? name_decode (m->wish->since) : NULL;
	struct fault why;
	int r;

	for (guint i = 0; i < m->parts->len; i++) {
		const struct backup_part *part = backup_part (m, i);
		const struct libvirt_disk *disk = part->disk;

		disks[i] = (struct qemu_storage_disk) { disk->target, disk->source, disk->format, part->counts ? since : NULL };
	}
	m->asked = true;
	r = qemu_storage_start (m->note.directory, m->note.socket, disks, m->parts->len, &why);
	if (r == -EBUSY)
		return fault (f, EBUSY, "another process writes to an image of %s, or it was just started: %s", m->domain, why.text);
	return r < 0 ? fault (f, why.err, "%s", why.text) : 0;
}

/* It is made first: what changes until the images are held counts as changed since. */
static int leave_checkpoint (struct making *m, struct fault *f)
{
	if (!m->checkpoint)
		return 0;
	m->marked = true;
	return checkpoint_add_stopped (m->lv, m->dom, m->disks, m->wish->option[DISKS], m->wish->leaves, f);
}

static int begin (struct making *m, struct fault *f)
{
	g_autofree char *xml = NULL;
	int r = place (m, f);

	if (r < 0)
		return r;
	xml = document (m);
	r = backup_note_write (m, xml, f);
	if (r == 0)
		r = backup_socket_make (m->note.directory, m->xml, f);
	if (r == 0)
		r = leave_checkpoint (m, f);
	return r < 0 ? r : serve (m, f);
}

const struct backup_way backup_by_daemon = { plan, begin, BY_ITSELF };
