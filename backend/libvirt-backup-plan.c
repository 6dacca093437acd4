/* libvirt-backup-plan.c - what of a backup can be refused before anything is done
 *
 * Nothing is changed here, and it takes no second. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-make.h"
#include "libvirt-checkpoint.h"
#include "libvirt-job.h"
#include "libvirt-nvram.h"

static int check_disk (const struct making *m, const struct libvirt_disk *disk, struct fault *f)
{
	struct hypervisor at = libvirt_hypervisor (m->lv);

	if (!disk->source)
		return fault (f, EINVAL, "%s is empty", disk->target);
	if (disk->transient)
		return fault (f, EOPNOTSUPP, "%s is transient, and has no backups: write the other disks to options/disks",
			      disk->target);
	if (m->running && disk->iothread && at.version < 10000000)
		return fault (f, EOPNOTSUPP, "%s is in an iothread, and QEMU before 10 dies when its backup has been read: "
			      "write the other disks to options/disks", disk->target);
	return 0;
}

static int choose (struct making *m, const struct libvirt_disk *disk, struct fault *f)
{
	struct backup_part part = { .disk = disk };
	int r = check_disk (m, disk, f);

	if (r == 0)
		g_array_append_val (m->parts, part);
	return r;
}

static int choose_all (struct making *m, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < m->disks->len; i++)
		if (libvirt_disk_is_written (m->disks->pdata[i]))
			r = choose (m, m->disks->pdata[i], f);
	if (r == 0 && m->parts->len == 0)
		r = fault (f, EOPNOTSUPP, "%s has no disk that it could write to", m->domain);
	return r;
}

static int choose_named (struct making *m, const char *names, struct fault *f)
{
	g_auto (GStrv) name = g_strsplit (names, ",", -1);
	int r = 0;

	for (int i = 0; r == 0 && name[i]; i++) {
		const struct libvirt_disk *disk = libvirt_disk_find (m->disks, name[i]);

		r = disk ? choose (m, disk, f) : fault (f, EINVAL, "%s has no disk %s", m->domain, name[i]);
	}
	return r;
}

static int choose_disks (struct making *m, const char *which, struct fault *f)
{
	if (strcmp (which, "none") == 0)
		return fault (f, EINVAL, "a backup without disks is none: write all to options/disks");
	return strcmp (which, "all") == 0 ? choose_all (m, f) : choose_named (m, which, f);
}

/* A backup is never silently without them. */
static int read_nvram (struct making *m, struct fault *f)
{
	int r = libvirt_nvram (m->xml, m->running, &m->nvram, f);
	struct fault why = *f;

	if (r == 0 || wish_lets (m->wish))
		return 0;
	return fault (f, EPERM, "%s; write %s to options/force for a backup without them", why.text, m->name);
}

/* Disk by disk, as that checkpoint says: never full without a word. */
static int plan_since (struct making *m, struct fault *f)
{
	g_autofree char **full = g_new (char *, m->parts->len);
	g_autoptr (GPtrArray) disks = g_ptr_array_new ();
	int r;

	for (guint i = 0; i < m->parts->len; i++)
		g_ptr_array_add (disks, (void *) backup_part (m, i)->disk);
	r = checkpoint_since (m->lv, m->dom, m->wish->since, disks, full, f);
	for (guint i = 0; r == 0 && i < m->parts->len; i++) {
		struct backup_part *part = &g_array_index (m->parts, struct backup_part, i);

		part->counts = !full[i];
		part->why = full[i];
	}
	m->note.since = g_strdup (m->wish->since);
	return r;
}

static int plan_checkpoint (struct making *m, struct fault *f)
{
	const struct wish *wish = m->wish;
	int r = checkpoint_check_new (m->lv, m->dom, m->disks, wish->leaves, f);

	if (r < 0)
		return r;
	m->checkpoint = checkpoint_xml_for (m->lv, m->dom, m->disks, wish->option[DISKS], wish->leaves, f);
	m->note.leaves = g_strdup (wish->leaves);
	return m->checkpoint ? 0 : -f->err;
}

int backup_plan (struct making *m, struct fault *f)
{
	int r = libvirt_check_idle (m->lv, m->dom, m->domain, f);

	if (r < 0)
		return r;
	m->xml = virDomainGetXMLDesc (m->dom, 0);
	if (!m->xml)
		return libvirt_fault (f);
	m->disks = libvirt_xml_disks (m->xml);
	r = choose_disks (m, m->wish->option[DISKS], f);
	if (r == 0 && m->wish->since)
		r = plan_since (m, f);
	if (r == 0 && m->wish->leaves)
		r = plan_checkpoint (m, f);
	return r < 0 ? r : read_nvram (m, f);
}
