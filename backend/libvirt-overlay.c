/* libvirt-overlay.c - the files that an external snapshot makes beside the images */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libvirt-overlay.h"

enum { COMMIT_SECONDS = 20, NAP_MS = 50 };

/* IMAGE's path without its last suffix; if it is the overlay of CURRENT, whose name may have dots, without that. */
static char *path_beside (const char *image, const char *current, const char *name)
{
	g_autofree char *ours = g_strconcat (".", current, NULL);
	const char *file = strrchr (image, '/') + 1;
	const char *end = strrchr (file, '.');
	int stem;

	if (current && g_str_has_suffix (file, ours))
		end = file + strlen (file) - strlen (ours);
	stem = end && end > file ? end - image : (int) strlen (image);
	return g_strdup_printf ("%.*s.%s", stem, image, name);
}

static bool is_among (const GPtrArray *others, const char *path)
{
	for (guint i = 0; i < others->len; i++)
		if (g_strcmp0 (others->pdata[i], path) == 0)
			return true;
	return false;
}

int libvirt_overlay_path (const struct libvirt_disk *disk, const char *current, const char *name,
			  const GPtrArray *others, bool remote, char **path, struct fault *f)
{
	g_autofree char *overlay = NULL;
	struct stat st;

	if (!libvirt_disk_is_written (disk))
		return fault (f, EOPNOTSUPP, "%s is never written to, so there is nothing to keep: leave it out of options/disks",
			      disk->target);
	if (strcmp (disk->type, "file") != 0 || *disk->source != '/')
		return fault (f, EOPNOTSUPP, "%s is no file, so an overlay has no place beside it: leave it out of options/disks",
			      disk->target);
	overlay = path_beside (disk->source, current, name);
	if (strlen (strrchr (overlay, '/') + 1) > NAME_MAX)
		return fault (f, ENAMETOOLONG, "the overlay of %s would have a longer name than %d bytes", disk->target, NAME_MAX);
	if (is_among (others, overlay) || (!remote && lstat (overlay, &st) == 0))
		return fault (f, EEXIST, "%s would be the overlay of %s, and is there already: take another name",
			      overlay, disk->target);
	*path = g_steal_pointer (&overlay);
	return 0;
}

/* The disks as the domain has them now, or NULL and a fault. */
static GPtrArray *disks_now (virDomainPtr dom, struct fault *f)
{
	g_autofree char *xml = virDomainGetXMLDesc (dom, 0);

	if (!xml)
		libvirt_fault (f);
	return xml ? libvirt_xml_disks (xml) : NULL;
}

static bool is_written_to (const GPtrArray *now, const struct libvirt_disk *disk, const char *overlay)
{
	const struct libvirt_disk *found = libvirt_disk_find (now, disk->target);

	return found && g_strcmp0 (found->source, overlay) == 0;
}

int libvirt_overlay_verify (virDomainPtr dom, const GPtrArray *disks, const GPtrArray *overlays, struct fault *f)
{
	g_autoptr (GPtrArray) now = disks_now (dom, f);

	for (guint i = 0; now && i < overlays->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];
		const char *overlay = overlays->pdata[i];

		if (overlay && !is_written_to (now, disk, overlay))
			return fault (f, EIO, "%s does not write to %s", disk->target, overlay);
	}
	return now ? 0 : -f->err;
}

static bool is_ready (virDomainPtr dom, const char *target)
{
	g_autofree char *xml = virDomainGetXMLDesc (dom, 0);
	g_autofree char *where = g_strdup_printf ("/domain/devices/disk[target/@dev='%s']/mirror[@ready='yes']", target);

	return xml && libvirt_xml_has (xml, where);
}

static bool merge (virDomainPtr dom, const char *target)
{
	if (virDomainBlockCommit (dom, target, NULL, NULL, 0,
				  VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_SHALLOW) < 0)
		return false;
	for (int ms = 0; !is_ready (dom, target) && ms < COMMIT_SECONDS * 1000; ms += NAP_MS)
		g_usleep (NAP_MS * 1000);
	return virDomainBlockJobAbort (dom, target, VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT) == 0;
}

void libvirt_overlay_undo (virDomainPtr dom, const GPtrArray *disks, const GPtrArray *overlays)
{
	struct fault ignored;
	g_autoptr (GPtrArray) now = disks_now (dom, &ignored);

	for (guint i = 0; now && i < overlays->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];
		const char *overlay = overlays->pdata[i];

		if (overlay && (!is_written_to (now, disk, overlay) || merge (dom, disk->target)))
			unlink (overlay);
	}
}
