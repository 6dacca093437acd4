/* fake-moment.c - a hypervisor made of nothing: its moments */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-record.h"

static struct entry *current_of (const GPtrArray *moments)
{
	for (guint i = 0; i < moments->len; i++)
		if (((struct entry *) moments->pdata[i])->current)
			return moments->pdata[i];
	return NULL;
}

static int list (struct backend *be, enum moment kind, const char *domain, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	const struct guest *guest = fake_guest (fake, "list", domain, f);

	for (guint i = 0; guest && i < guest->moments[kind]->len; i++)
		listing_add (out, entry_copy (guest->moments[kind]->pdata[i]));
	return guest ? 0 : -f->err;
}

enum { NAP = 3 * G_USEC_PER_SEC };

static void begin_job (struct fake *fake, struct guest *guest, const char *operation, const char *name)
{
	LOCKED (&fake->lock);

	guest->cancelled = false;
	guest->job = (struct job) { .began = time (NULL), .total = NAP };
	g_strlcpy (guest->job.operation, operation, sizeof guest->job.operation);
	g_strlcpy (guest->job.name, name, sizeof guest->job.name);
	g_snprintf (guest->job.owner, sizeof guest->job.owner, "domfs, pid %d", (int) getpid ());
}

static bool is_cancelled (struct fake *fake, struct guest *guest, gint64 spent)
{
	LOCKED (&fake->lock);

	guest->job.done = spent;
	return guest->cancelled;
}

static void end_job (struct fake *fake, struct guest *guest)
{
	LOCKED (&fake->lock);

	guest->job = (struct job) { .operation = "" };
}

/* Take three seconds, or until somebody cancels. */
static int nap (struct fake *fake, struct guest *guest, const char *operation, const char *name, struct fault *f)
{
	gint64 began = g_get_monotonic_time (), spent = 0;
	bool cancelled = false;

	begin_job (fake, guest, operation, name);
	while (spent < NAP && !cancelled) {
		g_usleep (10000);
		spent = MIN (g_get_monotonic_time () - began, NAP);
		cancelled = is_cancelled (fake, guest, spent);
	}
	end_job (fake, guest);
	return cancelled ? fault (f, EINTR, "cancelled") : 0;
}

struct entry *fake_add (struct guest *guest, enum moment kind, const char *name)
{
	struct entry *last = current_of (guest->moments[kind]), *entry = entry_new (name);

	entry->born = g_get_real_time () * 1000;
	entry->nvram = kind == BACKUP ? fake_nvram_size () : 0;
	if (kind != BACKUP) {
		entry->parent = last ? g_strdup (last->name) : NULL;
		entry->current = true;
		if (last)
			last->current = false;
	}
	g_ptr_array_add (guest->moments[kind], entry);
	return entry;
}

static int find_guest (struct fake *fake, const char *call, const char *domain, struct guest **guest, struct fault *f)
{
	LOCKED (&fake->lock);

	*guest = fake_guest (fake, call, domain, f);
	return *guest ? 0 : -f->err;
}

static int begin (struct fake *fake, const char *domain, struct wish *wish, struct guest **guest, struct fault *f)
{
	const char *name = wish->name;

	if (find_guest (fake, "make", domain, guest, f) < 0)
		return -f->err;
	if (g_str_has_prefix (name, "bad"))
		return fault (f, EIO, "internal snapshots of a domain with pflash firmware are not supported");
	if (g_str_has_prefix (name, "slow") || g_str_has_prefix (name, "deaf"))
		return nap (fake, *guest, "making", name, f);
	return 0;
}

static int make (struct backend *be, enum moment kind, const char *domain, struct wish *wish, struct fault *f)
{
	struct fake *fake = fake_of (be);
	struct guest *guest;
	struct entry *entry;
	int r = begin (fake, domain, wish, &guest, f);

	if (r < 0)
		return r;
	LOCKED (&fake->lock);
	if (fake_find (guest->moments[kind], wish->name))
		return fault (f, EEXIST, "there is a %s already", wish->name);
	r = kind == BACKUP ? fake_backup_begin (guest, wish, f) : 0;
	if (r < 0)
		return r;
	entry = fake_add (guest, kind, wish->name);
	if (kind == BACKUP)
		fake_record_note (guest, entry);
	if (kind == SNAPSHOT)
		entry->state = g_strdup (strcmp (wish->option[MEMORY], "no") == 0 ? "disk-snapshot" : guest->state);
	return 0;
}

/* Take ENTRY out; what followed it follows its parent now. */
void fake_take_out (struct guest *guest, enum moment kind, struct entry *entry)
{
	GPtrArray *moments = guest->moments[kind];
	struct entry *parent = entry->parent ? fake_find (moments, entry->parent) : NULL;

	for (guint i = 0; i < moments->len; i++) {
		struct entry *other = moments->pdata[i];

		if (g_strcmp0 (other->parent, entry->name) == 0) {
			g_free (other->parent);
			other->parent = g_strdup (entry->parent);
		}
	}
	if (parent && entry->current)
		parent->current = true;
	g_ptr_array_remove (moments, entry);
}

static int begin_drop (struct fake *fake, const char *domain, struct wish *wish, struct guest **guest, struct fault *f)
{
	if (find_guest (fake, "drop", domain, guest, f) < 0)
		return -f->err;
	return g_str_has_suffix (wish->name, "late") ? nap (fake, *guest, "deleting", wish->name, f) : 0;
}

static int drop (struct backend *be, enum moment kind, const char *domain, struct wish *wish, struct fault *f)
{
	struct fake *fake = fake_of (be);
	struct entry *entry;
	struct guest *guest;

	if (begin_drop (fake, domain, wish, &guest, f) < 0)
		return -f->err;
	LOCKED (&fake->lock);
	entry = fake_find (guest->moments[kind], wish->name);
	if (!entry)
		return fault (f, ENOENT, "there is no %s", wish->name);
	if (kind == BACKUP && fake_record_own (guest, wish->name, f) < 0)
		return -f->err;
	fake_disk_end (fake, guest, wish->name);
	fake_take_out (guest, kind, entry);
	if (kind == BACKUP)
		fake_record_end (guest, wish->name);
	return 0;
}

static int begin_revert (struct fake *fake, const char *domain, struct wish *wish, struct guest **guest, struct fault *f)
{
	const char *name = wish->name;
	int err;

	if (find_guest (fake, "revert", domain, guest, f) < 0)
		return -f->err;
	if (sscanf (name, "error%d", &err) == 1)
		return fault (f, err, "it fails with %d", err);
	if (g_str_has_suffix (name, "slow") || g_str_has_suffix (name, "deaf"))
		return nap (fake, *guest, "reverting", name, f);
	return 0;
}

static int revert_snapshot (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct fake *fake = fake_of (be);
	struct entry *entry, *current;
	struct guest *guest;

	if (begin_revert (fake, domain, wish, &guest, f) < 0)
		return -f->err;
	LOCKED (&fake->lock);
	entry = fake_find (guest->moments[SNAPSHOT], wish->name);
	current = current_of (guest->moments[SNAPSHOT]);
	if (!entry)
		return fault (f, ENOENT, "there is no snapshot %s", wish->name);
	if (fake_served (guest))
		return fault (f, EBUSY, "%s has a backup running", domain);
	if (g_str_has_prefix (wish->name, "risky") && !wish_lets (wish))
		return fault (f, EPERM, "that is risky: write %s to options/force", wish->name);
	if (current)
		current->current = false;
	entry->current = true;
	return 0;
}

static int describe (struct backend *be, const char *domain, const char *name, const char *text, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	const struct guest *guest = fake_guest (fake, "describe", domain, f);
	struct entry *entry = guest ? fake_find (guest->moments[SNAPSHOT], name) : NULL;

	if (!guest)
		return -f->err;
	if (!entry)
		return fault (f, ENOENT, "there is no snapshot %s", name);
	g_free (entry->text);
	entry->text = g_strdup (text);
	return 0;
}

static int xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	if (!fake_guest (fake, "xml", domain, f))
		return -f->err;
	g_string_append_printf (out, "<moment domain='%s'>\n  <name>%s</name>\n</moment>\n", domain, name);
	return 0;
}

static int domain_xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	(void) name;
	return be->ops->xml (be, domain, out, f);
}

/* vdb is raw, and was not kept. */
static int snapshot_disks (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);
	struct entry *disk;

	(void) name;
	LOCKED (&fake->lock);
	if (!fake_guest (fake, "disks", domain, f))
		return -f->err;
	disk = listing_add (out, entry_new ("vda"));
	disk->size = fake_disk_size (&disk->allocated);
	return 0;
}

/* vda tracks its changes, vdb does not. */
static int tracked (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	(void) name;
	LOCKED (&fake->lock);
	if (!fake_guest (fake, "disks", domain, f))
		return -f->err;
	listing_add (out, entry_new ("vda"));
	listing_add (out, entry_new ("vdb"))->state = g_strdup ("none");
	return 0;
}

static int status (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	if (!fake_guest (fake, "status", domain, f))
		return -f->err;
	listing_add (out, entry_new ("vda"))->state = g_strdup (g_str_has_prefix (name, "torn") ? "inconsistent" : "ok");
	listing_add (out, entry_new ("vdb"))->state = g_strdup ("none");
	return 0;
}

static int changed (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	(void) name;
	LOCKED (&fake->lock);
	if (!fake_guest (fake, "changed", domain, f))
		return -f->err;
	listing_add (out, entry_new ("vda"))->size = 1 << 20;
	return 0;
}

#define VERBS(kind, noun) \
static int list_##noun (struct backend *be, const char *domain, struct listing *out, struct fault *f) \
{ \
	return list (be, kind, domain, out, f); \
} \
static int make_##noun (struct backend *be, const char *domain, struct wish *wish, struct fault *f) \
{ \
	return make (be, kind, domain, wish, f); \
} \
static int drop_##noun (struct backend *be, const char *domain, struct wish *wish, struct fault *f) \
{ \
	return drop (be, kind, domain, wish, f); \
}

VERBS (SNAPSHOT, snapshot)
VERBS (CHECKPOINT, checkpoint)
VERBS (BACKUP, backup)

const struct moment_ops fake_snapshots = {
	.list = list_snapshot, .make = make_snapshot, .drop = drop_snapshot,
	.revert = revert_snapshot, .describe = describe, .xml = xml, .disks = snapshot_disks, .open = fake_disk_open,
};

const struct moment_ops fake_checkpoints = {
	.list = list_checkpoint, .make = make_checkpoint, .drop = drop_checkpoint, .xml = xml, .disks = tracked,
	.status = status, .changed = changed,
};

const struct moment_ops fake_backups = {
	.list = list_backup, .make = make_backup, .drop = drop_backup, .xml = xml, .domain_xml = domain_xml,
	.nvram = fake_nvram, .disks = fake_backup_disks, .settle = fake_backup_settle, .open = fake_disk_open,
};
