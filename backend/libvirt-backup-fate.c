/* libvirt-backup-fate.c - what becomes of the checkpoint that a backup leaves
 *
 * It is made in one step with the backup's job.  If that ends before all was read, the
 * next backup would count from a point that nobody has, so it goes, unless the user keeps
 * it.  The record says first that the job has ended, and then what came of this: who dies
 * in between, or cannot ask anybody, has left it to the next. */

#include <errno.h>

#include "libvirt-backup.h"
#include "libvirt-checkpoint.h"
#include "libvirt-xml.h"

static int remove_it (struct libvirt *lv, virDomainPtr dom, const char *checkpoint, struct fault *f)
{
	int r = checkpoint_remove (lv, dom, checkpoint, f);

	return r == -ENOENT ? 0 : r;
}

bool backup_fate_is_open (const struct records *of, const char *name)
{
	return backup_has (of, name, "leaves") && backup_has (of, name, "ended") && !backup_has (of, name, "fate");
}

int backup_fate (struct libvirt *lv, const struct records *of, const char *name, struct record *record, struct fault *f)
{
	g_autofree char *leaves = record_get (of, name, "leaves");
	bool stays = backup_has (of, name, "keep") || backup_has (of, name, "complete");
	g_autoptr (virDomain) dom = NULL;
	int r = 0;

	if (!leaves || backup_has (of, name, "fate"))
		return 0;
	dom = stays ? NULL : libvirt_domain_by_uuid (lv, of->uuid, f);
	if (dom)
		r = remove_it (lv, dom, leaves, f);
	else if (!stays && f->err != ENOENT)
		r = -f->err;
	return r < 0 ? r : record_put (record, "fate", stays ? "it stays" : "it is gone", f);
}

/* One of that name that is older than the record is somebody else's. */
static bool is_older (virDomainPtr dom, const char *checkpoint, int64_t born)
{
	g_autoptr (virDomainCheckpoint) there = virDomainCheckpointLookupByName (dom, checkpoint, 0);
	g_autofree char *xml = there ? virDomainCheckpointGetXMLDesc (there, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN) : NULL;
	g_autofree char *created = xml ? libvirt_xml_text (xml, "creationTime") : NULL;

	return created && g_ascii_strtoll (created, NULL, 10) < born / 1000000000;
}

int backup_fate_undo (struct libvirt *lv, const struct records *of, const char *name, struct fault *f)
{
	g_autofree char *leaves = record_get (of, name, "leaves"), *born = record_get (of, name, "born");
	g_autoptr (virDomain) dom = NULL;

	if (!leaves || !born)
		return 0;
	dom = libvirt_domain_by_uuid (lv, of->uuid, f);
	if (!dom)
		return f->err == ENOENT ? 0 : -f->err;
	return is_older (dom, leaves, g_ascii_strtoll (born, NULL, 10)) ? 0 : remove_it (lv, dom, leaves, f);
}
