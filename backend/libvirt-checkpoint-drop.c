/* libvirt-checkpoint-drop.c - how a checkpoint goes, whatever state it is in
 *
 * libvirt deletes one of a guest that runs as long as each of its bitmaps is there, be it
 * broken.  Where one is lost, its note is deleted alone, and defined anew for one disk after
 * the other to delete that with its bitmap.  Of a domain that is off, the bitmaps are removed
 * from its images, and then the note.  Both are more than one step, so there is a record. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libvirt-checkpoint.h"
#include "libvirt-job.h"
#include "qemu-offline.h"

/* A checkpoint that is to go. */
struct doomed {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *name, *bitmap;
	int64_t created;        /* one of another time is not this one */
	const GPtrArray *targets;
};

/* The bitmap of one disk of a guest that runs; if libvirt does not find it, it is gone. */
static int sweep_one (const struct doomed *doomed, const char *target, struct fault *f)
{
	struct libvirt_mark mark = { target, true };
	g_autoptr (virDomainCheckpoint) made = NULL;
	int r;

	made = checkpoint_define (doomed->dom, doomed->bitmap, doomed->created, &mark, 1, f);
	if (!made)
		return -f->err;
	if (virDomainCheckpointDelete (made, 0) == 0)
		return 0;
	r = libvirt_fault (f);
	if (virDomainCheckpointDelete (made, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) < 0)
		return libvirt_fault (f);
	return r == -EIO ? 0 : r;
}

static int sweep_active (const struct doomed *doomed, const GPtrArray *disks, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < doomed->targets->len; i++)
		if (libvirt_disk_find (disks, doomed->targets->pdata[i]))
			r = sweep_one (doomed, doomed->targets->pdata[i], f);
	return r;
}

/* The files that hold a bitmap of it, of char *; the caller's. */
static GPtrArray *files_of (const struct doomed *doomed, const GPtrArray *disks)
{
	GPtrArray *all = g_ptr_array_new_with_free_func (g_free);

	for (guint i = 0; i < doomed->targets->len; i++) {
		const struct libvirt_disk *disk = libvirt_disk_find (disks, doomed->targets->pdata[i]);

		if (disk && disk->source && *disk->source == '/')
			g_ptr_array_extend_and_steal (all, qemu_bitmap_files (disk->source, doomed->bitmap));
	}
	return all;
}

/* A file twice in it, of two disks on one base, is done at the first time. */
static int sweep_files (const struct doomed *doomed, const GPtrArray *files, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < files->len; i++) {
		g_autoptr (GPtrArray) still = qemu_bitmap_files (files->pdata[i], doomed->bitmap);

		if (still->len > 0 && strcmp (still->pdata[0], files->pdata[i]) == 0)
			r = qemu_offline_remove_bitmap (files->pdata[i], doomed->bitmap, f);
	}
	return r;
}

static int check_unlocked (const GPtrArray *files, struct fault *f)
{
	for (guint i = 0; i < files->len; i++)
		if (qemu_offline_is_locked (files->pdata[i]))
			return fault (f, EBUSY, "another process has %s open: wait until it is done, see lsof %s",
				      (char *) files->pdata[i], (char *) files->pdata[i]);
	return 0;
}

static GPtrArray *disks_of (virDomainPtr dom, struct fault *f)
{
	g_autofree char *xml = virDomainGetXMLDesc (dom, 0);

	if (!xml)
		libvirt_fault (f);
	return xml ? libvirt_xml_disks (xml) : NULL;
}

static int forget (virDomainCheckpointPtr checkpoint, struct fault *f)
{
	if (!checkpoint || virDomainCheckpointDelete (checkpoint, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) == 0)
		return 0;
	return libvirt_fault (f);
}

/* What is off keeps its note to the end, so that it is listed while anything of it is there. */
static int sweep (const struct doomed *doomed, virDomainCheckpointPtr checkpoint, struct fault *f)
{
	g_autoptr (GPtrArray) disks = disks_of (doomed->dom, f), files = NULL;
	int r;

	if (!disks)
		return -f->err;
	if (virDomainIsActive (doomed->dom) == 1)
		return forget (checkpoint, f) < 0 ? -f->err : sweep_active (doomed, disks, f);
	files = files_of (doomed, disks);
	r = check_unlocked (files, f);
	if (r == 0)
		r = sweep_files (doomed, files, f);
	return r < 0 ? r : forget (checkpoint, f);
}

/* Somebody else may have made another since. */
static int get_rid (const struct doomed *doomed, struct fault *f)
{
	g_autoptr (virDomainCheckpoint) checkpoint = checkpoint_lookup (doomed->dom, doomed->name, f);
	PARSED_CHECKPOINT said = checkpoint ? checkpoint_read (checkpoint, false, f) : NULL;

	if (said && said->created != doomed->created)
		return 0;
	if (!said && f->err != ENOENT)
		return -f->err;
	return sweep (doomed, checkpoint, f);
}

static struct records records_of (struct libvirt *lv, const char *uuid)
{
	return (struct records) { lv->backend.setup->state, uuid, "checkpoint" };
}

static char *joined (const GPtrArray *targets)
{
	GString *text = g_string_new (NULL);

	for (guint i = 0; i < targets->len; i++)
		g_string_append_printf (text, "%s\n", (char *) targets->pdata[i]);
	return g_string_free (text, FALSE);
}

int checkpoint_doom (struct libvirt *lv, virDomainPtr dom, const char *name, int64_t created, const GPtrArray *targets,
		     struct record **record, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = records_of (lv, uuid);
	g_autofree char *when = g_strdup_printf ("%" PRId64, created), *disks = joined (targets);
	int r;

	virDomainGetUUIDString (dom, uuid);
	r = record_make (&of, name, record, f);
	if (r < 0)
		return r;
	r = record_put (*record, "created", when, f);
	if (r == 0)
		r = record_put (*record, "disks", disks, f);
	if (r < 0)
		record_finish (*record);
	return r;
}

/* One that does not say yet what is to go was made before anything was done. */
static int obey (struct libvirt *lv, virDomainPtr dom, const char *name, const struct records *of, struct fault *f)
{
	g_autofree char *created = record_get (of, name, "created"), *disks = record_get (of, name, "disks");
	g_autofree char *bitmap = name_decode (name);
	g_auto (GStrv) lines = disks ? g_strsplit (g_strchomp (disks), "\n", -1) : NULL;
	g_autoptr (GPtrArray) targets = g_ptr_array_new ();
	struct doomed doomed = { lv, dom, name, bitmap, created ? g_ascii_strtoll (created, NULL, 10) : 0, targets };

	for (int i = 0; lines && lines[i]; i++)
		g_ptr_array_add (targets, lines[i]);
	return created && disks ? get_rid (&doomed, f) : 0;
}

void checkpoint_undo (struct libvirt *lv, virDomainPtr dom, const char *name, struct record *record)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = records_of (lv, uuid);
	struct fault ignored;

	virDomainGetUUIDString (dom, uuid);
	if (obey (lv, dom, name, &of, &ignored) == 0)
		record_finish (record);
	else
		record_leave (record);
}

/* In a guest that is busy it would wait; whoever changes it next comes by again. */
static bool can_now (struct libvirt *lv, virDomainPtr dom)
{
	g_autofree char *domain = name_encode (virDomainGetName (dom));

	return virDomainIsActive (dom) != 1 || libvirt_may_ask (lv, dom, domain);
}

void checkpoint_adopt (struct libvirt *lv, virDomainPtr dom)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = records_of (lv, uuid);
	g_autoptr (GPtrArray) names = NULL;
	struct record *record;
	struct fault ignored;

	if (virDomainGetUUIDString (dom, uuid) < 0)
		return;
	record_tidy (&of);
	names = record_list (&of);
	for (guint i = 0; i < names->len && can_now (lv, dom); i++)
		if (record_take (&of, names->pdata[i], &record, &ignored) == 0)
			checkpoint_undo (lv, dom, names->pdata[i], record);
}

static GPtrArray *targets_of (const struct libvirt_checkpoint *said)
{
	GPtrArray *targets = g_ptr_array_new ();

	for (guint i = 0; i < said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = said->disks->pdata[i];

		if (disk->bitmap)
			g_ptr_array_add (targets, disk->target);
	}
	return targets;
}

/* It stays listed if that fails, and so needs no record then. */
static int remove_piecemeal (const struct doomed *doomed, struct fault *f)
{
	struct record *record = NULL;
	int r;

	r = checkpoint_doom (doomed->lv, doomed->dom, doomed->name, doomed->created, doomed->targets, &record, f);
	if (r == -EEXIST)
		return fault (f, EBUSY, "%s is being removed by another mount", doomed->name);
	if (r < 0)
		return r;
	r = get_rid (doomed, f);
	record_finish (record);
	return r;
}

/* Did libvirt refuse because a bitmap is not there? */
static bool lacks_bitmap (virDomainCheckpointPtr checkpoint)
{
	struct fault ignored;
	PARSED_CHECKPOINT said = checkpoint_read (checkpoint, true, &ignored);

	for (guint i = 0; said && i < said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = said->disks->pdata[i];

		if (disk->bitmap && !disk->sized)
			return true;
	}
	return false;
}

static int remove_active (const struct doomed *doomed, virDomainCheckpointPtr checkpoint, struct fault *f)
{
	if (virDomainCheckpointDelete (checkpoint, 0) == 0)
		return 0;
	if (libvirt_fault (f) != -EIO || !lacks_bitmap (checkpoint))
		return -f->err;
	return remove_piecemeal (doomed, f);
}

static int remove_stopped (const struct doomed *doomed, struct fault *f)
{
	g_autoptr (GPtrArray) disks = disks_of (doomed->dom, f), files = NULL;

	if (!disks)
		return -f->err;
	if (libvirt_hypervisor (doomed->lv).remote)
		return fault (f, EOPNOTSUPP, "%s is off, and the bitmaps in its images are out of reach from here: "
			      "start it first", virDomainGetName (doomed->dom));
	files = files_of (doomed, disks);
	return check_unlocked (files, f) < 0 ? -f->err : remove_piecemeal (doomed, f);
}

int checkpoint_remove (struct libvirt *lv, virDomainPtr dom, const char *name, struct fault *f)
{
	g_autoptr (virDomainCheckpoint) checkpoint = checkpoint_lookup (dom, name, f);
	PARSED_CHECKPOINT said = checkpoint ? checkpoint_read (checkpoint, false, f) : NULL;
	g_autoptr (GPtrArray) targets = said ? targets_of (said) : NULL;
	g_autofree char *bitmap = name_decode (name);
	struct doomed doomed = { lv, dom, name, bitmap, said ? said->created : 0, targets };
	bool images = strcmp (libvirt_hypervisor (lv).driver, "QEMU") == 0;

	if (!said)
		return -f->err;
	if (images && virDomainIsActive (dom) != 1)
		return remove_stopped (&doomed, f);
	return remove_active (&doomed, checkpoint, f);
}
