/* libvirt-image.c - is what the images of a domain hold what libvirt believes they hold? */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt-qemu.h>

#include "libvirt-image.h"
#include "qemu-offline.h"
#include "qemu-tags.h"

static bool is_kept (const GPtrArray *kept, const char *target)
{
	for (guint i = 0; kept && i < kept->len; i++)
		if (strcmp (kept->pdata[i], target) == 0)
			return true;
	return !kept || kept->len == 0;
}

GPtrArray *libvirt_images (struct libvirt *lv, const GPtrArray *disks, const GPtrArray *kept)
{
	GPtrArray *images = g_ptr_array_new ();
	bool any = strcmp (libvirt_hypervisor (lv).driver, "QEMU") == 0;

	for (guint i = 0; any && i < disks->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];

		if (libvirt_disk_is_written (disk) && strcmp (disk->format, "qcow2") == 0 && is_kept (kept, disk->target))
			g_ptr_array_add (images, disks->pdata[i]);
	}
	return images;
}

/* One that is not there counts as in reach: who looks will say so. */
static bool is_in_reach (struct libvirt *lv, const struct libvirt_disk *image)
{
	return *image->source == '/' && !libvirt_hypervisor (lv).remote &&
	       (access (image->source, R_OK) == 0 || errno == ENOENT);
}

/* The domain counts as tainted from then on, so this is the last resort. */
static char *ask_monitor (virDomainPtr dom, const char *command, unsigned flags, struct fault *f)
{
	char *answer = NULL;

	if (virDomainQemuMonitorCommand (dom, command, &answer, flags) < 0)
		libvirt_fault (f);
	return answer;
}

static int count_tags (struct libvirt *lv, virDomainPtr dom, const struct libvirt_disk *image, const char *tag,
		       struct fault *f)
{
	g_autofree char *nodes = NULL;

	if (is_in_reach (lv, image))
		return qemu_tags_count (image->source, tag, f);
	if (virDomainIsActive (dom) != 1)
		return fault (f, EOPNOTSUPP, "%s of %s cannot be looked at from here", image->source, image->target);
	nodes = ask_monitor (dom, "{\"execute\":\"query-named-block-nodes\"}", 0, f);
	return nodes ? qemu_offline_tags_in_nodes (nodes, image->source, tag, f) : -f->err;
}

/* Judge how many TAGs each holds; the first fault counts. */
static int judge_all (struct libvirt *lv, virDomainPtr dom, const GPtrArray *images, const char *tag,
		      int (*judge) (const char *file, const char *tag, int n, struct fault *), struct fault *f)
{
	for (guint i = 0; i < images->len; i++) {
		const struct libvirt_disk *image = images->pdata[i];
		int n = count_tags (lv, dom, image, tag, f);

		if (n < 0 || judge (image->source, tag, n, f) < 0)
			return -f->err;
	}
	return 0;
}

static int judge_one (const char *file, const char *tag, int n, struct fault *f)
{
	if (n == 1)
		return 0;
	return fault (f, EIO, "%s holds %s snapshot %s, see qemu-img snapshot -l: nothing was changed",
		      file, n == 0 ? "no" : "more than one", tag);
}

static int judge_none (const char *file, const char *tag, int n, struct fault *f)
{
	if (n == 0)
		return 0;
	return fault (f, EEXIST, "%s holds a snapshot %s that libvirt does not know: "
		      "take another name, or remove it by qemu-img snapshot -d", file, tag);
}

static int judge_any (const char *file, const char *tag, int n, struct fault *f)
{
	(void) file;
	(void) tag;
	(void) n;
	(void) f;
	return 0;
}

int libvirt_images_hold (struct libvirt *lv, virDomainPtr dom, const GPtrArray *images, const char *tag,
			 struct fault *f)
{
	return judge_all (lv, dom, images, tag, judge_one, f);
}

int libvirt_images_lack (struct libvirt *lv, virDomainPtr dom, const GPtrArray *images, const char *tag,
			 struct fault *f)
{
	return judge_all (lv, dom, images, tag, judge_none, f);
}

int libvirt_images_readable (struct libvirt *lv, virDomainPtr dom, const GPtrArray *images, struct fault *f)
{
	return judge_all (lv, dom, images, "", judge_any, f);
}

int libvirt_images_open (struct libvirt *lv, const GPtrArray *images, struct fault *f)
{
	for (guint i = 0; i < images->len; i++) {
		const struct libvirt_disk *image = images->pdata[i];

		if (is_in_reach (lv, image) && qemu_offline_check (image->source, f) < 0)
			return -f->err;
	}
	return 0;
}

int libvirt_images_unlocked (struct libvirt *lv, const GPtrArray *images, struct fault *f)
{
	for (guint i = 0; i < images->len; i++) {
		const struct libvirt_disk *image = images->pdata[i];

		if (is_in_reach (lv, image) && qemu_offline_is_locked (image->source))
			return fault (f, EBUSY, "another process has %s open: wait until it is done, see lsof %s",
				      image->source, image->source);
	}
	return 0;
}

void libvirt_images_remove (struct libvirt *lv, virDomainPtr dom, const GPtrArray *images, const char *tag)
{
	g_autofree char *command = g_strdup_printf ("delvm \"%s\"", tag);
	struct fault ignored;

	if (virDomainIsActive (dom) == 1) {
		g_free (ask_monitor (dom, command, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP, &ignored));
		return;
	}
	for (guint i = 0; i < images->len; i++) {
		const struct libvirt_disk *image = images->pdata[i];
		int n = is_in_reach (lv, image) ? qemu_tags_count (image->source, tag, &ignored) : 0;

		for (; n > 0; n--)
			qemu_offline_remove_tag (image->source, tag, &ignored);
	}
}
