/* libvirt-snapshot-image.c - the disks that a snapshot keeps, as they were then
 *
 * Its own XML names the files, also after others were made or deleted: the sources of its
 * domain hold what it has frozen.  What it names as its own is the overlay above. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libvirt-backup.h"
#include "libvirt-snapshot-image.h"
#include "libvirt-snapshot.h"
#include "qemu-frozen.h"

/* A snapshot that is looked at. */
struct looked {
	struct libvirt_snapshot *said;
	GPtrArray *now;         /* of struct libvirt_disk: that the domain has now */
	char *tag;
};

static void looked_clear (struct looked *looked)
{
	libvirt_snapshot_leave (&looked->said);
	if (looked->now)
		g_ptr_array_unref (looked->now);
	g_free (looked->tag);
}

static int look (struct libvirt *lv, const char *domain, const char *name, struct looked *looked, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	g_autoptr (virDomainSnapshot) snapshot = dom ? libvirt_snapshot (dom, name, f) : NULL;
	g_autofree char *xml = snapshot ? virDomainGetXMLDesc (dom, 0) : NULL;

	*looked = (struct looked) { .tag = name_decode (name) };
	if (!snapshot)
		return -f->err;
	if (!xml)
		return libvirt_fault (f);
	looked->said = libvirt_snapshot_read (snapshot, f);
	looked->now = libvirt_xml_disks (xml);
	return looked->said ? 0 : -f->err;
}

static bool is_kept (const struct looked *looked, const char *target)
{
	const GPtrArray *kept = looked->said->kept;

	for (guint i = 0; i < kept->len; i++)
		if (strcmp (kept->pdata[i], target) == 0)
			return true;
	return false;
}

/* What the guest writes to is frozen no longer, whatever the snapshot says. */
static bool is_written (const struct looked *looked, const char *file)
{
	for (guint i = 0; i < looked->now->len; i++)
		if (g_strcmp0 (((struct libvirt_disk *) looked->now->pdata[i])->source, file) == 0)
			return true;
	return false;
}

/* Where the bytes of DISK are; false: not here. */
static bool find (const struct looked *looked, const struct libvirt_disk *disk, struct qemu_frozen *out)
{
	bool external = looked->said->external;

	if (!libvirt_disk_is_written (disk) || !is_kept (looked, disk->target) || *disk->source != '/')
		return false;
	*out = (struct qemu_frozen) { disk->source, disk->format, external ? NULL : looked->tag };
	if (external ? is_written (looked, disk->source) : strcmp (disk->format, "qcow2") != 0)
		return false;
	return access (disk->source, R_OK) == 0;
}

/* How many blocks it has is unknown until it is open: one less than all, so that cp looks for holes. */
static void add (const struct libvirt_disk *disk, const struct qemu_frozen *frozen, struct listing *out)
{
	struct entry *entry;
	struct fault ignored;
	uint64_t size;

	if (qemu_frozen_size (frozen, &size, &ignored) < 0)
		return;
	entry = listing_add (out, entry_new (disk->target));
	entry->size = size;
	entry->allocated = size - MIN (size, 512);
}

/* The test driver's disks are made of nothing. */
static bool has_images (struct libvirt *lv)
{
	struct hypervisor at = libvirt_hypervisor (lv);

	return !at.remote && strcmp (at.driver, "QEMU") == 0;
}

int libvirt_snapshot_disks (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct looked looked;
	int r;

	if (!has_images (libvirt_of (be)))
		return 0;
	r = look (libvirt_of (be), domain, name, &looked, f);
	for (guint i = 0; r == 0 && i < looked.said->disks->len; i++) {
		const struct libvirt_disk *disk = looked.said->disks->pdata[i];
		struct qemu_frozen frozen;

		if (find (&looked, disk, &frozen))
			add (disk, &frozen, out);
	}
	looked_clear (&looked);
	return r;
}

int libvirt_snapshot_open (struct backend *be, const char *domain, const char *name, const char *disk,
			   struct image **image, struct fault *f)
{
	g_autofree char *run = backup_socket_run (be->setup);
	struct qemu_frozen frozen;
	struct looked looked;
	int r = look (libvirt_of (be), domain, name, &looked, f);
	const struct libvirt_disk *then = r == 0 ? libvirt_disk_find (looked.said->disks, disk) : NULL;

	if (r == 0 && (!then || !find (&looked, then, &frozen)))
		r = fault (f, ENOENT, "%s of %s cannot be read here", disk, name);
	if (r == 0)
		r = qemu_frozen_open (&frozen, run, image, f);
	looked_clear (&looked);
	return r;
}

void libvirt_snapshot_images_begin (struct libvirt *lv)
{
	g_autofree char *run = backup_socket_run (lv->backend.setup);

	if (has_images (lv))
		qemu_frozen_tidy (run);
}
