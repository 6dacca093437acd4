/* libvirt-checkpoint-make.c - what a new checkpoint takes, and how it is made of a domain that is off
 *
 * libvirt leaves out every disk that is not named, and makes an empty checkpoint without a
 * word: so each is named.  Of a domain that is off it makes none; but one that is defined
 * anew, over bitmaps that qemu-img has added, is as good. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libvirt-checkpoint.h"
#include "libvirt-snapshot.h"
#include "qemu-offline.h"

static bool has_images (struct libvirt *lv)
{
	return strcmp (libvirt_hypervisor (lv).driver, "QEMU") == 0;
}

static bool is_in_reach (struct libvirt *lv, const struct libvirt_disk *disk)
{
	return disk->source && *disk->source == '/' && !libvirt_hypervisor (lv).remote;
}

static bool holds_bitmaps (struct libvirt *lv, const struct libvirt_disk *disk)
{
	return strcmp (disk->format, "qcow2") == 0 &&
	       (!is_in_reach (lv, disk) || qemu_offline_holds_bitmaps (disk->source));
}

static bool has_frozen (struct libvirt *lv, virDomainSnapshotPtr snapshot, const char *target)
{
	struct fault ignored;
	PARSED_SNAPSHOT said = libvirt_snapshot_read (snapshot, &ignored);
	const struct libvirt_disk *then = said ? libvirt_disk_find (said->disks, target) : NULL;

	return then && g_ptr_array_find_with_equal_func (said->kept, target, g_str_equal, NULL) && !holds_bitmaps (lv, then);
}

/* A bitmap of an overlay is lost as soon as its snapshot is deleted, if the image below can have none. */
static bool may_lose_bitmaps (struct libvirt *lv, virDomainPtr dom, const char *target)
{
	virDomainSnapshotPtr *snapshots;
	int n = virDomainListAllSnapshots (dom, &snapshots, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);
	bool may = false;

	for (int i = 0; i < n; i++) {
		may = may || has_frozen (lv, snapshots[i], target);
		virDomainSnapshotFree (snapshots[i]);
	}
	if (n >= 0)
		free (snapshots);
	return may;
}

bool checkpoint_can_mark (struct libvirt *lv, virDomainPtr dom, const struct libvirt_disk *disk)
{
	if (!libvirt_disk_is_written (disk) || disk->transient)
		return false;
	return !has_images (lv) || (holds_bitmaps (lv, disk) && !may_lose_bitmaps (lv, dom, disk->target));
}

/* Another's, or one that somebody forgot: libvirt would count it as ours, or break off half-way. */
static int check_image (struct libvirt *lv, const struct libvirt_disk *disk, const char *bitmap, struct fault *f)
{
	g_autoptr (GPtrArray) files = NULL;

	if (!has_images (lv) || !is_in_reach (lv, disk) || strcmp (disk->format, "qcow2") != 0)
		return 0;
	files = qemu_bitmap_files (disk->source, bitmap);
	if (files->len > 0)
		return fault (f, EEXIST, "%s holds a bitmap %s that libvirt does not know: take another name, or "
			      "remove it by qemu-img bitmap --remove while the domain is off", (char *) files->pdata[0], bitmap);
	return 0;
}

int checkpoint_check_new (struct libvirt *lv, virDomainPtr dom, const GPtrArray *disks, const char *name,
			  struct fault *f)
{
	g_autoptr (virDomainCheckpoint) there = checkpoint_lookup (dom, name, f);
	g_autofree char *bitmap = name_decode (name);

	if (there)
		return fault (f, EEXIST, "%s exists already", name);
	if (f->err != ENOENT)
		return -f->err;
	for (guint i = 0; i < disks->len; i++)
		if (check_image (lv, disks->pdata[i], bitmap, f) < 0)
			return -f->err;
	return 0;
}

/* How each of DISKS takes part, which is the caller's; or NULL. */
static struct libvirt_mark *mark (struct libvirt *lv, virDomainPtr dom, const GPtrArray *disks, const char *which,
				  struct fault *f)
{
	g_autofree struct libvirt_mark *marks = g_new0 (struct libvirt_mark, disks->len + 1);
	g_auto (GStrv) names = strcmp (which, "all") == 0 ? NULL : g_strsplit (which, ",", -1);
	bool any = false;

	for (guint i = 0; i < disks->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];
		bool chosen = !names || g_strv_contains ((const char *const *) names, disk->target);

		marks[i] = (struct libvirt_mark) { disk->target, chosen && checkpoint_can_mark (lv, dom, disk) };
		any |= marks[i].bitmap;
	}
	if (!any)
		fault (f, EOPNOTSUPP, "none of the disks can have a bitmap: a checkpoint takes a qcow2 disk that is "
		       "written to, see disks and options/disks");
	return any ? g_steal_pointer (&marks) : NULL;
}

char *checkpoint_xml_for (struct libvirt *lv, virDomainPtr dom, const GPtrArray *disks, const char *which,
			  const char *name, struct fault *f)
{
	g_autofree struct libvirt_mark *marks = mark (lv, dom, disks, which, f);
	struct libvirt_new_checkpoint new = { .name = name };

	return marks ? libvirt_xml_new_checkpoint (&new, marks, disks->len) : NULL;
}

/* A checkpoint of a domain that is off. */
struct add {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *name;
	int64_t created;
	const GPtrArray *disks;
	const struct libvirt_mark *marks;
};

static int check_one (const struct add *add, const struct libvirt_disk *disk, struct fault *f)
{
	if (!is_in_reach (add->lv, disk) || access (disk->source, R_OK | W_OK) < 0)
		return fault (f, EOPNOTSUPP, "%s of %s cannot be changed from here: start the domain first",
			      disk->source, disk->target);
	if (qemu_offline_is_locked (disk->source))
		return fault (f, EBUSY, "another process has %s open: wait until it is done, see lsof %s",
			      disk->source, disk->source);
	return 0;
}

static int check (const struct add *add, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < add->disks->len; i++)
		if (add->marks[i].bitmap)
			r = check_one (add, add->disks->pdata[i], f);
	return r;
}

static int add_bitmaps (const struct add *add, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < add->disks->len; i++) {
		const struct libvirt_disk *disk = add->disks->pdata[i];

		r = add->marks[i].bitmap ? qemu_offline_add_bitmap (disk->source, add->name, f) : 0;
	}
	return r;
}

static int perform (const struct add *add, struct fault *f)
{
	g_autoptr (virDomainCheckpoint) made = NULL;

	if (add_bitmaps (add, f) < 0)
		return -f->err;
	made = checkpoint_define (add->dom, add->name, add->created, add->marks, add->disks->len, f);
	return made ? checkpoint_verify (add->lv, add->dom, add->name, f) : -f->err;
}

static GPtrArray *targets_of (const struct add *add)
{
	GPtrArray *targets = g_ptr_array_new ();

	for (guint i = 0; i < add->disks->len; i++)
		if (add->marks[i].bitmap)
			g_ptr_array_add (targets, (void *) add->marks[i].target);
	return targets;
}

/* The record comes first, so that whoever finds it knows that it is to be undone. */
int checkpoint_add_stopped (struct libvirt *lv, virDomainPtr dom, const GPtrArray *disks, const char *which,
			    const char *name, struct fault *f)
{
	g_autofree struct libvirt_mark *marks = mark (lv, dom, disks, which, f);
	struct add add = { lv, dom, name, g_get_real_time () / G_USEC_PER_SEC, disks, marks };   /* time() lags behind */
	g_autoptr (GPtrArray) targets = marks ? targets_of (&add) : NULL;
	struct record *record;

	if (!marks || check (&add, f) < 0)
		return -f->err;
	if (checkpoint_doom (lv, dom, name, add.created, targets, &record, f) < 0)
		return -f->err;
	if (perform (&add, f) < 0) {
		checkpoint_undo (lv, dom, name, record);
		return -f->err;
	}
	record_finish (record);
	return 0;
}
