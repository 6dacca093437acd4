/* libvirt-make.c - a snapshot is planned, made, looked at, and undone if it is not right
 *
 * libvirt would make some that nobody can go back to, write over a memory file, and mix
 * kinds whose data then destroy each other.  So all is decided here before it is asked:
 * which kind, which disks, which files, each named in the XML. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libvirt-checkpoint.h"
#include "libvirt-image.h"
#include "libvirt-job.h"
#include "libvirt-overlay.h"
#include "libvirt-snapshot.h"
#include "libvirt-work.h"

struct plan {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain;
	const struct wish *wish;
	struct hypervisor at;
	char *definition;
	GPtrArray *disks;               /* of struct libvirt_disk */
	bool active, memory, external;
	char *memory_file;              /* reserved, if not NULL */
	GPtrArray *overlays;            /* of char *: as disks, NULL where none is made */
};

static bool is (const struct plan *plan, enum option option, const char *word)
{
	return strcmp (plan->wish->option[option], word) == 0;
}

static int choose_memory (struct plan *plan, struct fault *f)
{
	if (is (plan, MEMORY, "yes") && !plan->active)
		return fault (f, EBUSY, "%s does not run and has no memory to keep: write auto to options/memory", plan->domain);
	plan->memory = plan->active && !is (plan, MEMORY, "no");
	return 0;
}

/* Only QEMU's driver has them, and external snapshots; others make all of nothing. */
static bool has_images (const struct plan *plan)
{
	return strcmp (plan->at.driver, "QEMU") == 0;
}

static bool has_firmware (const struct plan *plan)
{
	return libvirt_xml_has (plan->definition, "/domain/os[loader/@type='pflash' or nvram or @firmware='efi']"
				"[not(nvram/@format='qcow2')]");
}

/* Why there can be no internal snapshot; and what to write, if that would help. */
struct bar {
	char *why;              /* NULL: there can; else the caller's */
	const char *remedy;     /* or NULL */
};

static char *bar_of (const struct libvirt_disk *disk)
{
	if (!libvirt_disk_is_written (disk))
		return NULL;
	if (strcmp (disk->format, "qcow2") != 0)
		return g_strdup_printf ("%s is %s and cannot hold an internal snapshot", disk->target, disk->format);
	if (g_strcmp0 (disk->snapshot, "no") == 0)
		return g_strdup_printf ("%s takes part in no snapshot by its definition", disk->target);
	return NULL;
}

static struct bar bar_of_disks (const struct plan *plan)
{
	struct bar bar = { NULL, NULL };
	guint written = 0;

	for (guint i = 0; i < plan->disks->len && !bar.why; i++) {
		written += libvirt_disk_is_written (plan->disks->pdata[i]);
		bar.why = bar_of (plan->disks->pdata[i]);
	}
	if (!bar.why && written == 0)
		bar.why = g_strdup_printf ("%s has no disk that could hold a snapshot", plan->domain);
	return bar;
}

static struct bar bar_of_internal (const struct plan *plan)
{
	if (!is (plan, DISKS, "all"))
		return (struct bar) { g_strdup ("an internal snapshot has all disks"), "all to options/disks" };
	if (plan->active && !plan->memory)
		return (struct bar) { g_strdup_printf ("%s runs, and an internal snapshot has its memory then", plan->domain),
				      "auto to options/memory" };
	if (!has_images (plan))
		return (struct bar) { NULL, NULL };
	if (has_firmware (plan))
		return (struct bar) { g_strdup ("no internal snapshot can hold the variables of its firmware"), NULL };
	return bar_of_disks (plan);
}

/* Nobody said, and there are none yet. */
static int choose_first_kind (struct plan *plan, const struct bar *bar, struct fault *f)
{
	plan->external = bar->why != NULL;
	if (bar->why && has_images (plan) && !plan->at.external_revert)
		return fault (f, EOPNOTSUPP, "%s; write %s%sexternal to options/storage, which this libvirt cannot revert",
			      bar->why, bar->remedy ? bar->remedy : "", bar->remedy ? ", or " : "");
	return 0;
}

/* Reverting to an internal snapshot writes into the image on which external ones rest. */
static int check_kind (const struct plan *plan, int internal, int external, const struct bar *bar, struct fault *f)
{
	if ((plan->external && internal > 0) || (!plan->external && external > 0))
		return fault (f, EOPNOTSUPP, "the snapshots of %s are %s and kinds are never mixed: write auto to options/storage",
			      plan->domain, internal > 0 ? "internal" : "external");
	if (bar->why && (!plan->external || !has_images (plan)))
		return fault (f, EOPNOTSUPP, "%s%s%s", bar->why, bar->remedy ? "; write " : "", bar->remedy ? bar->remedy : "");
	if (plan->external && !has_images (plan))
		return fault (f, EOPNOTSUPP, "the %s driver of libvirt has no external snapshots", plan->at.driver);
	return 0;
}

static int decide_kind (struct plan *plan, const struct bar *bar, struct fault *f)
{
	int internal = virDomainSnapshotNum (plan->dom, VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL);
	int external = virDomainSnapshotNum (plan->dom, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL);

	if (internal < 0 || external < 0)
		return libvirt_fault (f);
	plan->external = is (plan, STORAGE, "auto") ? external > 0 : is (plan, STORAGE, "external");
	if (is (plan, STORAGE, "auto") && internal + external == 0 && choose_first_kind (plan, bar, f) < 0)
		return -f->err;
	return check_kind (plan, internal, external, bar, f);
}

static int choose_kind (struct plan *plan, struct fault *f)
{
	struct bar bar = bar_of_internal (plan);
	int r = decide_kind (plan, &bar, f);

	g_free (bar.why);
	return r;
}

static bool is_chosen (const struct plan *plan, const struct libvirt_disk *disk)
{
	g_auto (GStrv) names = g_strsplit (plan->wish->option[DISKS], ",", -1);

	if (is (plan, DISKS, "all"))
		return libvirt_disk_is_written (disk) && g_strcmp0 (disk->snapshot, "no") != 0;
	return g_strv_contains ((const char *const *) names, disk->target);
}

/* The files that an external snapshot will make, beside the images. */
static int choose_overlays (struct plan *plan, struct fault *f)
{
	g_autoptr (virDomainSnapshot) current = virDomainSnapshotCurrent (plan->dom, 0);
	const char *stands_on = current ? virDomainSnapshotGetName (current) : NULL;
	guint n = 0;

	for (guint i = 0; i < plan->disks->len; i++) {
		const struct libvirt_disk *disk = plan->disks->pdata[i];
		char *overlay = NULL;

		if (is_chosen (plan, disk) &&
		    libvirt_overlay_path (disk, stands_on, plan->wish->name, plan->overlays, plan->at.remote, &overlay, f) < 0)
			return -f->err;
		n += overlay != NULL;
		g_ptr_array_add (plan->overlays, overlay);
	}
	if (n == 0 && !plan->memory)
		return fault (f, EINVAL, "neither a disk nor memory is to be kept: see options/disks and options/memory");
	return 0;
}

/* libvirt would write over whatever is there, so the file is ours before it is asked. */
static int reserve_memory (struct plan *plan, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autofree char *dir = NULL, *file = NULL;
	int fd;

	if (plan->at.remote)
		return fault (f, EOPNOTSUPP, "the memory would lie on another host: write no to options/memory");
	virDomainGetUUIDString (plan->dom, uuid);
	dir = g_build_filename (plan->lv->backend.setup->saves, uuid, NULL);
	file = g_strdup_printf ("%s/%s.memory", dir, plan->wish->name);
	if (g_mkdir_with_parents (dir, 0700) < 0)
		return fault (f, errno, "%s cannot be made: %s", dir, g_strerror (errno));
	fd = open (file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fault (f, errno, "%s cannot be made: %s", file, g_strerror (errno));
	close (fd);
	plan->memory_file = g_steal_pointer (&file);
	return 0;
}

/* What would not be seen until it is too late. */
static int check_images (const struct plan *plan, struct fault *f)
{
	g_autoptr (GPtrArray) images = libvirt_images (plan->lv, plan->disks, NULL);
	int r = plan->active ? 0 : libvirt_images_unlocked (plan->lv, images, f);

	if (r == 0)
		r = libvirt_images_lack (plan->lv, plan->dom, images, plan->wish->name, f);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int prepare (struct plan *plan, struct fault *f)
{
	if (choose_memory (plan, f) < 0 || choose_kind (plan, f) < 0)
		return -f->err;
	if (!plan->external)
		return check_images (plan, f);
	if (choose_overlays (plan, f) < 0)
		return -f->err;
	return plan->memory ? reserve_memory (plan, f) : 0;
}

static char *xml_of (const struct plan *plan)
{
	g_autofree struct libvirt_snapshot_disk *disks = g_new (struct libvirt_snapshot_disk, plan->disks->len);

	for (guint i = 0; i < plan->disks->len; i++) {
		const struct libvirt_disk *disk = plan->disks->pdata[i];
		const char *overlay = plan->external ? plan->overlays->pdata[i] : NULL;
		bool internal = !plan->external && libvirt_disk_is_written (disk);

		disks[i] = (struct libvirt_snapshot_disk) { disk->target, overlay ? "external" : internal ? "internal" : "no",
							    overlay };
	}
	return libvirt_xml_new_snapshot (plan->wish->name, !plan->memory ? "no" : plan->external ? "external" : "internal",
					 plan->memory_file, disks, plan->disks->len);
}

static unsigned flags_of (const struct plan *plan)
{
	if (!plan->external)
		return 0;
	return plan->memory ? VIR_DOMAIN_SNAPSHOT_CREATE_LIVE
			    : VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC;
}

/* May another client have been quicker?  Then what there is of that name is his. */
static bool is_others (const struct plan *plan)
{
	g_autoptr (virDomainSnapshot) there = virDomainSnapshotLookupByName (plan->dom, plan->wish->name, 0);
	const virError *error = there ? NULL : virGetLastError ();

	return !error || error->code != VIR_ERR_NO_DOMAIN_SNAPSHOT;
}

/* Take back what is there of it.  libvirt itself does, unless it fails after the last step. */
static void undo (const struct plan *plan, virDomainSnapshotPtr made)
{
	g_autoptr (GPtrArray) images = libvirt_images (plan->lv, plan->disks, NULL);

	if (plan->memory_file)
		unlink (plan->memory_file);
	if (made)
		virDomainSnapshotDelete (made, 0);
	else if (!is_others (plan) && plan->external)
		libvirt_overlay_undo (plan->dom, plan->disks, plan->overlays);
	else if (!is_others (plan) && images->len > 0)
		libvirt_images_remove (plan->lv, plan->dom, images, plan->wish->name);
}

/* It says it is made; is it? */
static int verify (const struct plan *plan, struct fault *f)
{
	g_autoptr (GPtrArray) images = libvirt_images (plan->lv, plan->disks, NULL);
	int r = plan->external ? libvirt_overlay_verify (plan->dom, plan->disks, plan->overlays, f)
			       : libvirt_images_hold (plan->lv, plan->dom, images, plan->wish->name, f);

	return r == -EOPNOTSUPP ? 0 : r;
}

/* Who cannot be reached any more cannot be asked what became of it, and may yet finish it. */
static int fail (const struct plan *plan, virDomainSnapshotPtr made, struct fault *f)
{
	if (f->err != ENOTCONN)
		undo (plan, made);
	if (work_is_cancelled (plan->domain, 0))
		return fault (f, EINTR, "cancelled");
	return -f->err;
}

/* libvirt 9 wants the guest's QEMU if there are checkpoints, and says so before it does anything. */
static int explain (const struct plan *plan, struct fault *f)
{
	struct fault ignored;
	g_autoptr (GPtrArray) checkpoints = plan->active ? NULL : checkpoint_names (plan->dom, &ignored);

	if (f->err != EOPNOTSUPP || !checkpoints || checkpoints->len == 0)
		return -f->err;
	return fault (f, EOPNOTSUPP, "%s is off and has checkpoint %s, and this libvirt makes no snapshot then: start it, "
		      "or rmdir its checkpoints", plan->domain, (char *) checkpoints->pdata[0]);
}

static int perform (const struct plan *plan, struct fault *f)
{
	g_autofree char *xml = xml_of (plan);
	g_autoptr (virDomainSnapshot) made = virDomainSnapshotCreateXML (plan->dom, xml, flags_of (plan));

	if (!made && libvirt_fault (f) < 0)
		explain (plan, f);
	if (!made || verify (plan, f) < 0)
		return fail (plan, made, f);
	return 0;
}

static int check (const struct plan *plan, struct fault *f)
{
	g_autoptr (virDomainSnapshot) there = virDomainSnapshotLookupByName (plan->dom, plan->wish->name, 0);

	if (there)
		return fault (f, EEXIST, "%s exists already", plan->wish->name);
	return libvirt_check_changeable (plan->lv, plan->dom, plan->domain, f);
}

static int make (struct plan *plan, struct fault *f)
{
	bool by_abort;
	int r;

	if (check (plan, f) < 0)
		return -f->err;
	plan->definition = virDomainGetXMLDesc (plan->dom, 0);  /* waits for the job of another client as of libvirt 11 */
	if (!plan->definition)
		return libvirt_fault (f);
	plan->disks = libvirt_xml_disks (plan->definition);
	plan->active = virDomainIsActive (plan->dom) == 1;
	if (prepare (plan, f) < 0)
		return -f->err;
	by_abort = plan->external && plan->memory;
	work_begin (plan->domain, "snapshot", plan->wish->name, by_abort ? BY_ABORT : NOT_AT_ALL);
	r = perform (plan, f);
	work_end (plan->domain);
	return r;
}

int libvirt_snapshot_make (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	struct plan plan = { .lv = lv, .dom = dom, .domain = domain, .wish = wish, .at = libvirt_hypervisor (lv) };
	int r;

	if (!dom)
		return -f->err;
	plan.overlays = g_ptr_array_new_with_free_func (g_free);
	r = make (&plan, f);
	g_ptr_array_unref (plan.overlays);
	g_clear_pointer (&plan.disks, g_ptr_array_unref);
	g_free (plan.definition);
	g_free (plan.memory_file);
	return r;
}
