/* libvirt-checkpoint.c - the checkpoints there are, and what they say */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libvirt-checkpoint.h"
#include "libvirt-job.h"
#include "libvirt-work.h"

virDomainCheckpointPtr checkpoint_lookup (virDomainPtr dom, const char *name, struct fault *f)
{
	g_autofree char *real = name_decode (name);
	virDomainCheckpointPtr checkpoint = virDomainCheckpointLookupByName (dom, real, 0);

	if (!checkpoint)
		libvirt_fault (f);
	return checkpoint;
}

struct libvirt_checkpoint *checkpoint_read (virDomainCheckpointPtr checkpoint, bool sized, struct fault *f)
{
	unsigned flags = VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN | (sized ? VIR_DOMAIN_CHECKPOINT_XML_SIZE : 0);
	g_autofree char *xml = virDomainCheckpointGetXMLDesc (checkpoint, flags);

	if (!xml)
		libvirt_fault (f);
	return xml ? libvirt_xml_checkpoint (xml) : NULL;
}

static struct entry *entry_of (virDomainCheckpointPtr checkpoint, struct fault *f)
{
	g_autofree char *name = name_encode (virDomainCheckpointGetName (checkpoint));
	PARSED_CHECKPOINT said = checkpoint_read (checkpoint, false, f);
	struct entry *entry;

	if (!said)
		return NULL;
	entry = entry_new (name);
	entry->parent = said->parent ? name_encode (said->parent) : NULL;
	entry->born = said->created * G_GINT64_CONSTANT (1000000000);
	return entry;
}

/* One that has gone since the list was made is not listed. */
static int read_all (virDomainCheckpointPtr *checkpoints, int n, GPtrArray *entries, struct fault *f)
{
	for (int i = 0; i < n; i++) {
		struct entry *entry = entry_of (checkpoints[i], f);

		if (entry)
			g_ptr_array_add (entries, entry);
		else if (f->err != ENOENT)
			return -f->err;
	}
	return 0;
}

static int by_birth (const void *a, const void *b)
{
	const struct entry *one = *(struct entry *const *) a, *other = *(struct entry *const *) b;

	return (one->born > other->born) - (one->born < other->born);
}

/* libvirt lists parents before their children, and its clock knows only seconds: so the order is kept. */
static int entries_of (virDomainPtr dom, GPtrArray *entries, struct fault *f)
{
	virDomainCheckpointPtr *checkpoints;
	int n = virDomainListAllCheckpoints (dom, &checkpoints, VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL), r;

	if (n < 0)
		return libvirt_fault (f);
	r = read_all (checkpoints, n, entries, f);
	for (int i = 0; i < n; i++)
		virDomainCheckpointFree (checkpoints[i]);
	free (checkpoints);
	g_ptr_array_sort (entries, by_birth);
	return r;
}

GPtrArray *checkpoint_names (virDomainPtr dom, struct fault *f)
{
	g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (entry_free);
	GPtrArray *names;

	if (entries_of (dom, entries, f) < 0)
		return NULL;
	names = g_ptr_array_new_with_free_func (g_free);
	for (guint i = entries->len; i > 0; i--)
		g_ptr_array_add (names, g_strdup (((struct entry *) entries->pdata[i - 1])->name));
	return names;
}

virDomainCheckpointPtr checkpoint_define (virDomainPtr dom, const char *bitmap, int64_t created,
					  const struct libvirt_mark *marks, size_t n, struct fault *f)
{
	g_autofree char *xml = virDomainGetXMLDesc (dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	g_autoptr (GPtrArray) others = xml ? checkpoint_names (dom, f) : NULL;
	g_autofree char *parent = others && others->len > 0 ? name_decode (others->pdata[0]) : NULL, *document = NULL;
	struct libvirt_new_checkpoint new = { bitmap, parent, xml, created };
	virDomainCheckpointPtr made = NULL;

	if (xml && !others)
		return NULL;
	document = xml ? libvirt_xml_new_checkpoint (&new, marks, n) : NULL;
	if (document)
		made = virDomainCheckpointCreateXML (dom, document, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE);
	if (!made)
		libvirt_fault (f);
	return made;
}

/* The domain stands on the last one that was made. */
static int list (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (GPtrArray) entries = g_ptr_array_new ();
	int r = dom ? entries_of (dom, entries, f) : -f->err;

	for (guint i = 0; i < entries->len; i++)
		listing_add (out, entries->pdata[i])->current = i == entries->len - 1;
	return r;
}

static int xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (virDomainCheckpoint) checkpoint = dom ? checkpoint_lookup (dom, name, f) : NULL;
	g_autofree char *text = checkpoint ? virDomainCheckpointGetXMLDesc (checkpoint, 0) : NULL;

	if (!checkpoint)
		return -f->err;
	if (!text)
		return libvirt_fault (f);
	g_string_append (out, text);
	return 0;
}

static int state_of (struct backend *be, const char *domain, const char *name, struct checkpoint_state *state,
		     struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);

	return dom ? checkpoint_state (libvirt_of (be), dom, name, state, f) : -f->err;
}

static int disks (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (virDomainCheckpoint) checkpoint = dom ? checkpoint_lookup (dom, name, f) : NULL;
	PARSED_CHECKPOINT said = checkpoint ? checkpoint_read (checkpoint, false, f) : NULL;

	for (guint i = 0; said && i < said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = said->disks->pdata[i];

		listing_add (out, entry_new (disk->target))->state = g_strdup (disk->bitmap ? NULL : "none");
	}
	return said ? 0 : -f->err;
}

static int status (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	static const char *const words[] = {
		[BITMAP_MISSING] = "missing",           [BITMAP_OK] = "ok",
		[BITMAP_INCONSISTENT] = "inconsistent", [BITMAP_UNKNOWN] = "unknown",
	};
	struct checkpoint_state state;
	int r = state_of (be, domain, name, &state, f);

	for (guint i = 0; r == 0 && i < state.said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = state.said->disks->pdata[i];

		listing_add (out, entry_new (disk->target))->state =
			g_strdup (disk->bitmap ? words[state.bitmaps[i]] : "none");
	}
	checkpoint_state_clear (&state);
	return r;
}

static int changed (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct checkpoint_state state;
	int r = state_of (be, domain, name, &state, f);

	for (guint i = 0; r == 0 && i < state.said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = state.said->disks->pdata[i];

		if (disk->sized)
			listing_add (out, entry_new (disk->target))->size = disk->size;
	}
	checkpoint_state_clear (&state);
	return r;
}

/* libvirt makes and deletes them beside a backup, and waits behind anything else. */
static int make_active (struct libvirt *lv, virDomainPtr dom, const GPtrArray *all, const struct wish *wish,
			struct fault *f)
{
	g_autofree char *document = checkpoint_xml_for (lv, dom, all, wish->option[DISKS], wish->name, f);
	g_autoptr (virDomainCheckpoint) made = document ? virDomainCheckpointCreateXML (dom, document, 0) : NULL;
	struct fault ignored;

	if (!document)
		return -f->err;
	if (!made)
		return libvirt_fault (f);
	if (checkpoint_verify (lv, dom, wish->name, f) < 0) {
		checkpoint_remove (lv, dom, wish->name, &ignored);
		return -f->err;
	}
	return 0;
}

/* Other drivers make nothing of images, so they are asked in any state. */
static int perform (struct libvirt *lv, virDomainPtr dom, const GPtrArray *all, const struct wish *wish,
		    struct fault *f)
{
	bool images = strcmp (libvirt_hypervisor (lv).driver, "QEMU") == 0;

	if (images && virDomainIsActive (dom) != 1)
		return checkpoint_add_stopped (lv, dom, all, wish->option[DISKS], wish->name, f);
	return make_active (lv, dom, all, wish, f);
}

static int make (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	g_autofree char *definition = NULL;
	g_autoptr (GPtrArray) all = NULL;
	int r;

	if (!dom || libvirt_check_markable (lv, dom, domain, f) < 0)
		return -f->err;
	definition = virDomainGetXMLDesc (dom, 0);
	if (!definition)
		return libvirt_fault (f);
	all = libvirt_xml_disks (definition);
	if (checkpoint_check_new (lv, dom, all, wish->name, f) < 0)
		return -f->err;
	work_begin (domain, "checkpoint", wish->name, NOT_AT_ALL);
	r = perform (lv, dom, all, wish, f);
	work_end (domain);
	return r;
}

static int drop (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);
	int r;

	if (!dom || libvirt_check_markable (lv, dom, domain, f) < 0)
		return -f->err;
	work_begin (domain, "delete", wish->name, NOT_AT_ALL);
	r = checkpoint_remove (lv, dom, wish->name, f);
	work_end (domain);
	return r;
}

const struct moment_ops libvirt_checkpoints = {
	.list = list, .make = make, .drop = drop, .xml = xml, .disks = disks, .status = status,
	.changed = changed,
};
