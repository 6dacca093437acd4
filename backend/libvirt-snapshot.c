/* libvirt-snapshot.c - the snapshots there are, what they say, and how they go
 *
 * libvirt deletes a snapshot and keeps its children.  What it does not look for before,
 * or leaves behind, is looked for and cleared away here: tags in images that somebody
 * holds open, branches that rest on what would be merged, the memory file. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libvirt-image.h"
#include "libvirt-job.h"
#include "libvirt-snapshot-image.h"
#include "libvirt-snapshot.h"
#include "libvirt-work.h"

virDomainSnapshotPtr libvirt_snapshot (virDomainPtr dom, const char *name, struct fault *f)
{
	g_autofree char *real = name_decode (name);
	virDomainSnapshotPtr snapshot = virDomainSnapshotLookupByName (dom, real, 0);

	if (!snapshot)
		libvirt_fault (f);
	return snapshot;
}

struct libvirt_snapshot *libvirt_snapshot_read (virDomainSnapshotPtr snapshot, struct fault *f)
{
	g_autofree char *xml = virDomainSnapshotGetXMLDesc (snapshot, 0);

	if (!xml)
		libvirt_fault (f);
	return xml ? libvirt_xml_snapshot (xml) : NULL;
}

int libvirt_check_changeable (struct libvirt *lv, virDomainPtr dom, const char *domain, struct fault *f)
{
	if (virDomainHasManagedSaveImage (dom, 0) == 1)
		return fault (f, EBUSY, "%s has its memory saved, which fits the disks as they are: "
			      "write running to state, or virsh managedsave-remove first", domain);
	return libvirt_check_idle (lv, dom, domain, f);
}

static char *encoded (const char *name)
{
	return name ? name_encode (name) : NULL;
}

static struct entry *entry_of (virDomainSnapshotPtr snapshot, const char *current, struct fault *f)
{
	g_autofree char *name = name_encode (virDomainSnapshotGetName (snapshot));
	PARSED_SNAPSHOT said = libvirt_snapshot_read (snapshot, f);
	struct entry *entry;

	if (!said)
		return NULL;
	entry = entry_new (name);
	entry->parent = encoded (said->parent);
	entry->state = g_steal_pointer (&said->state);
	entry->text = g_steal_pointer (&said->description);
	entry->born = said->created * G_GINT64_CONSTANT (1000000000);
	entry->current = g_strcmp0 (name, current) == 0;
	return entry;
}

static char *current_of (virDomainPtr dom)
{
	g_autoptr (virDomainSnapshot) current = virDomainSnapshotCurrent (dom, 0);

	return current ? name_encode (virDomainSnapshotGetName (current)) : NULL;
}

static int by_birth (const void *a, const void *b)
{
	const struct entry *one = *(struct entry *const *) a, *other = *(struct entry *const *) b;

	return one->born != other->born ? (one->born > other->born) - (one->born < other->born)
					: strcmp (one->name, other->name);
}

/* One that has gone since the list was made is not listed. */
static int read_all (virDomainSnapshotPtr *snapshots, int n, const char *current, GPtrArray *entries, struct fault *f)
{
	for (int i = 0; i < n; i++) {
		struct entry *entry = entry_of (snapshots[i], current, f);

		if (entry)
			g_ptr_array_add (entries, entry);
		else if (f->err != ENOENT)
			return -f->err;
	}
	return 0;
}

static void free_all (virDomainSnapshotPtr *snapshots, int n)
{
	for (int i = 0; i < n; i++)
		virDomainSnapshotFree (snapshots[i]);
	free (snapshots);
}

/* libvirt lists them in any order. */
static int list (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (GPtrArray) entries = g_ptr_array_new ();
	g_autofree char *current = dom ? current_of (dom) : NULL;
	virDomainSnapshotPtr *snapshots;
	int n, r;

	if (!dom)
		return -f->err;
	n = virDomainListAllSnapshots (dom, &snapshots, 0);
	if (n < 0)
		return libvirt_fault (f);
	r = read_all (snapshots, n, current, entries, f);
	free_all (snapshots, n);
	g_ptr_array_sort (entries, by_birth);
	for (guint i = 0; i < entries->len; i++)
		listing_add (out, entries->pdata[i]);
	return r;
}

static int xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (virDomainSnapshot) snapshot = dom ? libvirt_snapshot (dom, name, f) : NULL;
	g_autofree char *text = snapshot ? virDomainSnapshotGetXMLDesc (snapshot, 0) : NULL;

	if (!snapshot)
		return -f->err;
	if (!text)
		return libvirt_fault (f);
	g_string_append (out, text);
	return 0;
}

/* libvirt has no call for it: the whole is defined anew, with its secrets, or they would be lost. */
static int redefine (virDomainPtr dom, virDomainSnapshotPtr snapshot, const char *text, struct fault *f)
{
	unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE;
	g_autofree char *old = virDomainSnapshotGetXMLDesc (snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
	g_autofree char *new = old ? libvirt_xml_described (old, text) : NULL;
	g_autoptr (virDomainSnapshot) made = NULL;

	if (!old)
		return libvirt_fault (f);
	if (virDomainSnapshotIsCurrent (snapshot, 0) == 1)
		flags |= VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
	made = virDomainSnapshotCreateXML (dom, new, flags);
	return made ? 0 : libvirt_fault (f);
}

static int describe (struct backend *be, const char *domain, const char *name, const char *text, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (virDomainSnapshot) snapshot = dom ? libvirt_snapshot (dom, name, f) : NULL;

	if (!snapshot)
		return -f->err;
	if (libvirt_check_idle (libvirt_of (be), dom, domain, f) < 0)
		return -f->err;
	return redefine (dom, snapshot, text, f);
}

/* A snapshot that is about to go. */
struct going {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain, *name;
	virDomainSnapshotPtr snapshot;
	struct libvirt_snapshot *said;
	GPtrArray *images;      /* that keep it, if it is internal */
	bool active;
};

/* How many branches rest on its frozen images: its children, and the guest if it stands on it. */
static int users (virDomainSnapshotPtr snapshot)
{
	return virDomainSnapshotNumChildren (snapshot, 0) + (virDomainSnapshotIsCurrent (snapshot, 0) == 1);
}

static virDomainSnapshotPtr only_child (virDomainSnapshotPtr snapshot)
{
	virDomainSnapshotPtr *children = NULL, child = NULL;
	int n = virDomainSnapshotListAllChildren (snapshot, &children, 0);

	for (int i = 0; i < n; i++)
		if (n == 1)
			child = children[i];
		else
			virDomainSnapshotFree (children[i]);
	free (children);
	return child;
}

/* Does the domain stand on it, or on one that rests on it? */
static bool is_in_use (const struct going *going)
{
	virDomainSnapshotPtr at = virDomainSnapshotCurrent (going->dom, 0), parent;
	bool found = false;

	while (at && !found) {
		found = strcmp (virDomainSnapshotGetName (at), virDomainSnapshotGetName (going->snapshot)) == 0;
		parent = found ? NULL : virDomainSnapshotGetParent (at, 0);
		virDomainSnapshotFree (at);
		at = parent;
	}
	return found;
}

/* Deleting merges the next image into the frozen one.  libvirt looks at one chain only, so
 * neither may have a second user: it would lose its data. */
static int check_branches (const struct going *going, struct fault *f)
{
	g_autoptr (virDomainSnapshot) child = only_child (going->snapshot);

	if (users (going->snapshot) > 1)
		return fault (f, ENOTEMPTY, "more than one branch rests on %s: rmdir its children first", going->name);
	if (child && users (child) > 1)
		return fault (f, ENOTEMPTY, "more than one branch rests on %s, which follows %s: rmdir its children first",
			      virDomainSnapshotGetName (child), going->name);
	if (child && !is_in_use (going))
		return fault (f, ENOTEMPTY, "%s rests on %s, and %s stands on another branch: rmdir it first",
			      virDomainSnapshotGetName (child), going->name, going->domain);
	return 0;
}

/* QEMU 10 lets nobody write to the images of a guest that was started paused from its memory; libvirt
 * would find out half-way. */
static int check_awake (const struct going *going, struct fault *f)
{
	int state, reason;

	if (libvirt_hypervisor (going->lv).version < 10000000 || !is_in_use (going) ||
	    virDomainGetState (going->dom, &state, &reason, 0) < 0)
		return 0;
	if (state != VIR_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_FROM_SNAPSHOT)
		return 0;
	return fault (f, EBUSY, "%s is paused since it went back to a snapshot, and nothing can be merged before it has run: "
		      "write running to state", going->domain);
}

/* Off, libvirt lets qemu-img delete it and does not look whether that has failed: so can it be
 * read and written?  Where the tag is gone already there is nothing to lose. */
static int check_images (const struct going *going, struct fault *f)
{
	int r = libvirt_images_unlocked (going->lv, going->images, f);

	if (r == 0)
		r = libvirt_images_readable (going->lv, going->dom, going->images, f);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int check_going (const struct going *going, struct fault *f)
{
	int r = libvirt_check_changeable (going->lv, going->dom, going->domain, f);

	if (r == 0 && going->said->external)
		return check_branches (going, f) < 0 ? -f->err : check_awake (going, f);
	return r == 0 && !going->active ? check_images (going, f) : r;
}

/* Is FILE what libvirt wrote as a guest's memory? */
static bool is_memory (const char *file)
{
	static const char magic[] = "LibvirtQemud";
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char begin[sizeof magic - 1];
	bool is = fd >= 0 && pread (fd, begin, sizeof begin, 0) == sizeof begin && memcmp (begin, magic, sizeof begin) == 0;

	if (fd >= 0)
		close (fd);
	return is;
}

/* libvirt 9 forgets the memory file; later ones remove it. */
static int clear_away (const struct going *going, struct fault *f)
{
	const char *memory = going->said->memory_file;
	g_autofree char *tag = name_decode (going->name);
	int r = 0;

	if (memory && !libvirt_hypervisor (going->lv).remote && is_memory (memory))
		unlink (memory);
	if (going->active || going->said->external)
		return 0;
	r = libvirt_images_lack (going->lv, going->dom, going->images, tag, f);
	if (r != -EEXIST)
		return 0;
	libvirt_images_remove (going->lv, going->dom, going->images, tag);
	return libvirt_images_lack (going->lv, going->dom, going->images, tag, f);
}

/* libvirt 9 cannot delete one that keeps memory alone, though nothing has to be merged. */
static unsigned flags_of (const struct going *going)
{
	return going->said->external && going->said->kept->len == 0 ? VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY : 0;
}

static int let_go (const struct going *going, struct fault *f)
{
	int r = check_going (going, f);

	if (r < 0)
		return r;
	work_begin (going->domain, "delete", going->name, NOT_AT_ALL);
	r = virDomainSnapshotDelete (going->snapshot, flags_of (going)) < 0 ? libvirt_fault (f) : clear_away (going, f);
	work_end (going->domain);
	return r;
}

static int drop (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	g_autoptr (virDomainSnapshot) snapshot = dom ? libvirt_snapshot (dom, wish->name, f) : NULL;
	PARSED_SNAPSHOT said = snapshot ? libvirt_snapshot_read (snapshot, f) : NULL;
	g_autoptr (GPtrArray) images = said ? libvirt_images (lv, said->disks, said->kept) : NULL;
	struct going going;

	if (!said)
		return -f->err;
	going = (struct going) { lv, dom, domain, wish->name, snapshot, said, images, virDomainIsActive (dom) == 1 };
	return let_go (&going, f);
}

const struct moment_ops libvirt_snapshots = {
	.list = list, .make = libvirt_snapshot_make, .drop = drop, .revert = libvirt_snapshot_revert,
	.describe = describe, .xml = xml, .disks = libvirt_snapshot_disks, .open = libvirt_snapshot_open,
};
