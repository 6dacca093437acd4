/* libvirt-revert.c - a domain goes back to a snapshot
 *
 * libvirt ends the guest's QEMU and starts another; where that fails, the guest is dead.
 * So whatever would make it fail is looked for first. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libvirt-checkpoint.h"
#include "libvirt-image.h"
#include "libvirt-job.h"
#include "libvirt-snapshot.h"
#include "libvirt-work.h"

struct revert {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain;
	struct wish *wish;
	virDomainSnapshotPtr snapshot;
	struct libvirt_snapshot *said;
	struct hypervisor at;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards the below */
static GHashTable *reverted;    /* domain -> when, in g_get_monotonic_time() */

static int check_driver (const struct revert *revert, struct fault *f)
{
	if (strcmp (revert->at.driver, "TEST") == 0 && g_strcmp0 (revert->said->state, "disk-snapshot") == 0)
		return fault (f, EPERM, "%s is a disk-snapshot, and libvirt's test driver would crash going back to it",
			      revert->wish->name);
	if (revert->said->external && !revert->at.external_revert)
		return fault (f, EOPNOTSUPP, "%s is external, and this libvirt cannot go back to those", revert->wish->name);
	return 0;
}

/* External ones below rest on the image that going back would change. */
static int check_descendants (const struct revert *revert, struct fault *f)
{
	int n = virDomainSnapshotNumChildren (revert->snapshot,
					      VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS | VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);

	if (n < 0)
		return libvirt_fault (f);
	if (n > 0)
		return fault (f, EPERM, "external snapshots rest on %s, and going back would destroy them: rmdir them first",
			      revert->wish->name);
	return 0;
}

/* QEMU will not start without what the definition of then names. */
static int check_files (const struct revert *revert, struct fault *f)
{
	for (guint i = 0; i < revert->said->files->len && !revert->at.remote; i++) {
		const char *file = revert->said->files->pdata[i];

		if (*file == '/' && access (file, F_OK) < 0 && errno == ENOENT)
			return fault (f, EIO, "%s, which %s had then, is not there: nothing was changed", file, revert->domain);
	}
	return 0;
}

static int check_networks (const struct revert *revert, struct fault *f)
{
	for (guint i = 0; i < revert->said->networks->len; i++) {
		const char *name = revert->said->networks->pdata[i];
		g_autoptr (virNetwork) network = virNetworkLookupByName (virDomainGetConnect (revert->dom), name);

		if (network ? virNetworkIsActive (network) == 0 : virGetLastErrorCode () == VIR_ERR_NO_NETWORK)
			return fault (f, EBUSY, "network %s, which %s had then, does not run: virsh net-start %s first",
				      name, revert->domain, name);
	}
	return 0;
}

static int check_tags (const struct revert *revert, struct fault *f)
{
	g_autoptr (GPtrArray) images = libvirt_images (revert->lv, revert->said->disks, revert->said->kept);
	g_autofree char *tag = name_decode (revert->wish->name);
	int r = libvirt_images_hold (revert->lv, revert->dom, images, tag, f);

	if (r == 0)
		r = libvirt_images_open (revert->lv, images, f);
	if (r != -EOPNOTSUPP || wish_lets (revert->wish))
		return r == -EOPNOTSUPP ? 0 : r;
	return fault (f, EPERM, "the images of %s cannot be looked at from here, and the guest would die if one lacks it: "
		      "write %s to options/force", revert->wish->name, revert->wish->name);
}

/* The first bitmap in IMAGE that is none of CHECKPOINTS, which would go with theirs; the caller's. */
static char *stray_bitmap (const struct libvirt_disk *image, GPtrArray *checkpoints)
{
	g_autoptr (GPtrArray) bitmaps = qemu_bitmap_names (image->source);

	for (guint i = 0; i < bitmaps->len; i++) {
		g_autofree char *shown = name_encode (bitmaps->pdata[i]);

		if (!g_ptr_array_find_with_equal_func (checkpoints, shown, g_str_equal, NULL))
			return g_strdup (bitmaps->pdata[i]);
	}
	return NULL;
}

static int check_stray_bitmaps (const struct revert *revert, GPtrArray *checkpoints, struct fault *f)
{
	g_autoptr (GPtrArray) images = libvirt_images (revert->lv, revert->said->disks, revert->said->kept);

	for (guint i = 0; i < images->len && !revert->at.remote; i++) {
		const struct libvirt_disk *image = images->pdata[i];
		g_autofree char *bitmap = stray_bitmap (image, checkpoints);

		if (bitmap)
			return fault (f, EPERM, "%s holds a bitmap %s that libvirt does not know, with which going back "
				      "would kill the guest: qemu-img bitmap --remove it while the guest is off",
				      image->source, bitmap);
	}
	return 0;
}

/* QEMU goes back on no disk with a bitmap. */
static int check_checkpoints (const struct revert *revert, struct fault *f)
{
	g_autoptr (GPtrArray) names = checkpoint_names (revert->dom, f);

	if (!names || check_stray_bitmaps (revert, names, f) < 0)
		return -f->err;
	if (names->len == 0 || wish_lets (revert->wish))
		return 0;
	return fault (f, EPERM, "%s has checkpoint %s, with which going back would kill the guest: rmdir the checkpoints "
		      "first, or write %s to options/force", revert->domain, (char *) names->pdata[0], revert->wish->name);
}

static bool is_written_to (const GPtrArray *disks, const char *file)
{
	for (guint i = 0; i < disks->len; i++)
		if (g_strcmp0 (((const struct libvirt_disk *) disks->pdata[i])->source, file) == 0)
			return true;
	return false;
}

/* libvirt unlinks what it takes for the overlays written to now.  In 11.3 they are another snapshot's, if the one
 * that was made since the last revert has been deleted: with them that snapshot would be lost. */
static int check_overlays (const struct revert *revert, struct fault *f)
{
	g_autoptr (virDomainSnapshot) current = virDomainSnapshotCurrent (revert->dom, 0);
	PARSED_SNAPSHOT said = current ? libvirt_snapshot_read (current, f) : NULL;
	g_autofree char *xml = said ? virDomainGetXMLDesc (revert->dom, 0) : NULL;
	g_autoptr (GPtrArray) disks = xml ? libvirt_xml_disks (xml) : NULL;

	if (!current)
		return 0;
	if (!disks)
		return said ? libvirt_fault (f) : -f->err;
	for (guint i = 0; i < said->overlays->len; i++) {
		const char *file = said->overlays->pdata[i];

		if (!is_written_to (disks, file) && (revert->at.remote || access (file, F_OK) == 0))
			return fault (f, EBUSY, "libvirt would delete %s, though %s does not write to it: "
				      "mkdir a snapshot first", file, revert->domain);
	}
	return 0;
}

static int check_internal (const struct revert *revert, struct fault *f)
{
	if (check_descendants (revert, f) < 0 || check_tags (revert, f) < 0)
		return -f->err;
	return check_checkpoints (revert, f);
}

static int check (const struct revert *revert, struct fault *f)
{
	if (check_driver (revert, f) < 0)
		return -f->err;
	if (libvirt_check_changeable (revert->lv, revert->dom, revert->domain, f) < 0)
		return -f->err;
	if (strcmp (revert->at.driver, "QEMU") != 0)
		return 0;
	if (check_files (revert, f) < 0 || check_networks (revert, f) < 0)
		return -f->err;
	return revert->said->external ? check_overlays (revert, f) : check_internal (revert, f);
}

/* libvirt names fresh overlays by the second. */
static void space_out (const char *domain)
{
	gint64 *last, wait = 0;

	pthread_mutex_lock (&lock);
	if (!reverted)
		reverted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
	last = g_hash_table_lookup (reverted, domain);
	if (last)
		wait = *last + G_USEC_PER_SEC - g_get_monotonic_time ();
	pthread_mutex_unlock (&lock);
	if (wait > 0)
		g_usleep (wait);
}

static void note (const char *domain)
{
	gint64 now = g_get_monotonic_time ();

	LOCKED (&lock);
	g_hash_table_replace (reverted, g_strdup (domain), g_memdup2 (&now, sizeof now));
}

static unsigned flags_of (const struct revert *revert)
{
	static const struct {
		const char *word;
		unsigned flags;
	} words[] = {
		{ "running", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING }, { "paused", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		if (strcmp (revert->wish->option[AFTER_REVERT], words[i].word) == 0)
			return words[i].flags;
	return 0;
}

/* Those that the user has let go; the last one first. */
static int remove_checkpoints (const struct revert *revert, struct fault *f)
{
	g_autoptr (GPtrArray) names = checkpoint_names (revert->dom, f);
	int r = names ? 0 : -f->err;

	for (guint i = 0; r == 0 && i < names->len; i++)
		r = checkpoint_remove (revert->lv, revert->dom, names->pdata[i], f);
	return r;
}

static bool needs_no_checkpoints (const struct revert *revert)
{
	return strcmp (revert->at.driver, "QEMU") == 0 && !revert->said->external;
}

static int perform (const struct revert *revert, struct fault *f)
{
	int r = 0;

	if (revert->said->external)
		space_out (revert->domain);
	work_begin (revert->domain, "revert", revert->wish->name, NOT_AT_ALL);
	if (needs_no_checkpoints (revert))
		r = remove_checkpoints (revert, f);
	if (r == 0 && virDomainRevertToSnapshot (revert->snapshot, flags_of (revert)) < 0)
		r = libvirt_fault (f);
	work_end (revert->domain);
	if (revert->said->external)
		note (revert->domain);
	return r;
}

int libvirt_snapshot_revert (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	g_autoptr (virDomainSnapshot) snapshot = dom ? libvirt_snapshot (dom, wish->name, f) : NULL;
	PARSED_SNAPSHOT said = snapshot ? libvirt_snapshot_read (snapshot, f) : NULL;
	struct revert revert;

	if (!said)
		return -f->err;
	revert = (struct revert) { lv, dom, domain, wish, snapshot, said, libvirt_hypervisor (lv) };
	return check (&revert, f) < 0 ? -f->err : perform (&revert, f);
}
