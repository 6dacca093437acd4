/* libvirt-backup.c - the verbs of backups under libvirt */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libvirt-backup-stopped.h"
#include "libvirt-job.h"
#include "libvirt-xml.h"

enum { END_SECONDS = 1, ENDING_SECONDS = 10 };

/* The records of DOMAIN, whose uuid is then in UUID. */
static int records_of (struct libvirt *lv, const char *domain, char *uuid, struct records *of, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);

	if (!dom)
		return -f->err;
	virDomainGetUUIDString (dom, uuid);
	*of = backup_records (lv, uuid);
	return 0;
}

static bool is_watched (const char *socket)
{
	struct served *served = served_find (socket);

	served_unref (served);
	return served != NULL;
}

/* Why it has ended, or NULL.  What nobody watches here may have ended without a note. */
static char *why_ended (struct libvirt *lv, const char *uuid, struct backup_note *note)
{
	if (note->ended)
		return g_steal_pointer (&note->ended);
	if (note->target || is_watched (note->socket) || backup_job (lv, uuid, note->socket) != JOB_GONE)
		return NULL;
	return g_strdup ("its job is gone");
}

static void add (struct libvirt *lv, const struct records *of, const char *name, struct listing *out)
{
	struct backup_note note;
	struct entry *entry;

	if (backup_note (of, name, &note) && note.begun) {
		g_autofree char *shown = name_encode (name);

		entry = listing_add (out, entry_new (shown));
		entry->born = note.born;
		entry->nvram = record_size (of, name, "nvram");
		entry->state = why_ended (lv, of->uuid, &note);
		entry->pushed = note.target != NULL;
		entry->kept = note.kept;
		entry->complete = note.complete;
	}
	backup_note_clear (&note);
}

static int list (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct records of;
	g_autoptr (GPtrArray) names = NULL;

	if (records_of (libvirt_of (be), domain, uuid, &of, f) < 0)
		return -f->err;
	names = record_list (&of);
	for (guint i = 0; i < names->len; i++)
		add (libvirt_of (be), &of, names->pdata[i], out);
	return 0;
}

static int show (struct backend *be, const char *domain, const char *name, const char *file, GString *out, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autofree char *text = NULL;
	struct records of;

	if (records_of (libvirt_of (be), domain, uuid, &of, f) < 0)
		return -f->err;
	text = record_get (&of, name, file);
	if (!text)
		return fault (f, ENOENT, "%s is gone", name);
	g_string_append (out, text);
	return 0;
}

static int xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	return show (be, domain, name, "backup.xml", out, f);
}

static int domain_xml (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	return show (be, domain, name, "domain.xml", out, f);
}

static int nvram (struct backend *be, const char *domain, const char *name, GString *out, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct records of;

	if (records_of (libvirt_of (be), domain, uuid, &of, f) < 0)
		return -f->err;
	return record_get_bytes (&of, name, "nvram", out) ? 0 : fault (f, ENOENT, "%s has no nvram", name);
}

static int disks (struct backend *be, const char *domain, const char *name, struct listing *out, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct records of;

	if (records_of (libvirt_of (be), domain, uuid, &of, f) < 0)
		return -f->err;
	return backup_disks (&of, name, out, f);
}

/* Who serves what NOTE tells of: of another mount's backup, we from now on. */
static struct served *server_of (struct libvirt *lv, const char *domain, const char *name,
				 const struct backup_note *note, struct fault *f)
{
	struct served *served = served_find (note->socket);
	g_autoptr (virDomain) dom = served ? NULL : libvirt_domain (lv, domain, f);

	if (served || !dom)
		return served;
	return served_begin (served_new (lv, dom, domain, name, note, NULL), f);
}

static int open_noted (struct libvirt *lv, const char *domain, const struct records *of, const char *name,
		       const char *disk, const struct backup_note *note, struct image **image, struct fault *f)
{
	LISTING all = listing_new ();
	const struct entry *entry;
	struct served *served;
	int r;

	if (note->ended)
		return fault (f, EIO, "%s has ended: %s", name, note->ended);
	r = backup_disks (of, name, all, f);
	if (r < 0)
		return r;
	entry = listing_find (all, disk);
	served = entry ? server_of (lv, domain, name, note, f) : NULL;
	if (!served)
		return entry ? -f->err : fault (f, ENOENT, "%s has no disk %s", name, disk);
	r = served_image (served, disk, entry->parent != NULL, image, f);
	served_unref (served);
	return r;
}

static int open_image (struct backend *be, const char *domain, const char *name, const char *disk,
		       struct image **image, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct backup_note note;
	struct records of;
	int r;

	if (records_of (libvirt_of (be), domain, uuid, &of, f) < 0)
		return -f->err;
	if (backup_note (&of, name, &note) && note.begun)
		r = open_noted (libvirt_of (be), domain, &of, name, disk, &note, image, f);
	else
		r = fault (f, ENOENT, "%s is gone", name);
	backup_note_clear (&note);
	return r;
}

/* The backup NAME, of which this mount has the record: as SERVED while it runs, as RECORD when it has ended. */
struct seized {
	struct served *served;
	struct record *record;
};

static void seized_free (struct seized *seized)
{
	served_unref (seized->served);
	if (seized->record)
		record_leave (seized->record);
}

/* Its thread may still be at work for what it has ended. */
static void await_ending (struct served *served)
{
	if (served && served_has_ended (served))
		served_await (served, g_get_monotonic_time () + ENDING_SECONDS * G_USEC_PER_SEC);
}

/* EBUSY if it is another mount's. */
static int seize (struct libvirt *lv, const char *domain, const char *name, struct seized *out, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autofree char *socket = NULL;
	struct records of;
	int r;

	if (records_of (lv, domain, uuid, &of, f) < 0)
		return -f->err;
	socket = record_get (&of, name, "socket");
	out->served = socket ? served_find (socket) : NULL;
	if (out->served && served_is_ours (out->served))
		return 0;
	await_ending (out->served);
	r = record_take (&of, name, &out->record, f);
	if (r == 0 && !backup_has (&of, name, "ended"))
		r = fault (f, EBUSY, "nobody can be asked whether %s still runs: try again", name);
	return r;
}

/* What dead mounts have left is ours before we change anything. */
static int seize_after_all (struct libvirt *lv, const char *domain, const char *name, struct seized *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (lv, domain, f);

	if (!dom)
		return -f->err;
	backup_adopt (lv, dom);
	return seize (lv, domain, name, out, f);
}

/* If that fails, it is as it was, but for who had it open. */
static int end_job (struct served *served, struct fault *f)
{
	struct fault ignored;
	int r;

	served_stop (served);
	served_await (served, G_MAXINT64);
	served_close (served);
	r = backup_end (served, f);
	if (r < 0)
		served_unref (served_begin (served_ref (served), &ignored));
	return r;
}

/* Who asks for that has found it complete, or does not care: what it leaves stays, even if we die here. */
static int end_for_good (struct served *served, struct fault *f)
{
	int r = served_note (served, "complete", "yes", f);

	if (r == 0)
		r = end_job (served, f);
	if (r == 0)
		backup_note_end (served, "removed");
	return r;
}

/* It has ended, but what becomes of its checkpoint may not be settled yet. */
static int finish (struct libvirt *lv, const char *domain, const char *name, struct record **record, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct records of;
	int r = records_of (lv, domain, uuid, &of, f);

	if (r == 0)
		r = backup_fate (lv, &of, name, *record, f);
	if (r == 0)
		record_finish (g_steal_pointer (record));
	return r;
}

static int drop (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	struct seized seized = { NULL };
	int r = seize_after_all (libvirt_of (be), domain, wish->name, &seized, f);

	if (r == 0 && !seized.record && seized.served->target)
		r = fault (f, EBUSY, "%s is being written to %s: wait, or cancel to job", wish->name, seized.served->target);
	if (r == 0 && !seized.record) {
		r = end_for_good (seized.served, f);
		served_unref (g_steal_pointer (&seized.served));
		if (r == 0)
			r = seize (libvirt_of (be), domain, wish->name, &seized, f);
	}
	if (r == 0)
		r = finish (libvirt_of (be), domain, wish->name, &seized.record, f);
	seized_free (&seized);
	return r;
}

/* What has ended has been settled by that. */
static int settle (struct backend *be, const char *domain, const char *name, bool keeps, bool complete, struct fault *f)
{
	struct seized seized = { NULL };
	int r = seize_after_all (libvirt_of (be), domain, name, &seized, f);

	if (r == 0 && seized.record)
		r = fault (f, EBUSY, "%s has ended, and so it is settled what it leaves", name);
	if (r == 0)
		r = served_note (seized.served, "keep", keeps ? "yes" : NULL, f);
	if (r == 0)
		r = served_note (seized.served, "complete", complete ? "yes" : NULL, f);
	seized_free (&seized);
	return r;
}

/* A push may have been so near its end that it came to it. */
static int check_cancelled (struct libvirt *lv, const char *domain, const char *name, struct fault *f)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct backup_note note;
	struct records of;
	int r = records_of (lv, domain, uuid, &of, f);

	if (r < 0)
		return r;
	if (backup_note (&of, name, &note) && note.target && note.complete)
		r = fault (f, EBUSY, "%s is just done, all of it is in %s", name, note.target);
	backup_note_clear (&note);
	return r;
}

static int cancel (struct libvirt *lv, const char *domain, const char *name, struct fault *f)
{
	struct seized seized = { NULL };
	int r = seize_after_all (lv, domain, name, &seized, f);

	if (r == 0 && !seized.record)
		r = end_job (seized.served, f);
	if (r == 0 && !seized.record)
		backup_note_end (seized.served, "cancelled");
	if (r == 0)
		r = check_cancelled (lv, domain, name, f);
	seized_free (&seized);
	return r;
}

static void ended (struct libvirt *lv, const char *uuid)
{
	g_autoptr (GPtrArray) some = served_all (uuid);

	(void) lv;
	for (guint i = 0; i < some->len; i++)
		served_doubt (some->pdata[i]);
}

/* Their jobs go on. */
static bool end (struct libvirt *lv)
{
	g_autoptr (GPtrArray) all = served_all (NULL);
	gint64 until = g_get_monotonic_time () + END_SECONDS * G_USEC_PER_SEC;
	bool ends = true;

	(void) lv;
	for (guint i = 0; i < all->len; i++) {
		served_stop (all->pdata[i]);
		served_close (all->pdata[i]);
	}
	for (guint i = 0; i < all->len; i++)
		ends &= served_await (all->pdata[i], until);
	return ends;
}

static const struct libvirt_backup_ops ops = {
	.moments = { .list = list, .make = backup_make, .drop = drop, .xml = xml, .domain_xml = domain_xml, .nvram = nvram,
		     .disks = disks, .settle = settle, .open = open_image },
	.adopt = backup_adopt, .ended = ended, .whose = backup_jobs_whose, .noted = backup_jobs_add,
	.cancel = cancel, .end = end,
};

void libvirt_backups_begin (struct libvirt *lv)
{
	struct hypervisor at = libvirt_hypervisor (lv);

	if (!at.backups || at.remote)
		return;
	lv->backups = &ops;
	lv->backend.moments[BACKUP] = &ops.moments;
	backup_adopt_all (lv);
}
