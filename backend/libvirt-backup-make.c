/* libvirt-backup-make.c - how a backup begins
 *
 * All that can be refused is refused before anything is done.  Then the record comes
 * first, and what it says is there is removed when any later step fails; if we die,
 * the next mount finds a record without its disks, and does the same. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-make.h"
#include "libvirt-backup-stopped.h"

static void part_clear (void *part)
{
	g_free (((struct backup_part *) part)->why);
}

static void making_free (struct making *m)
{
	served_unref (m->served);
	if (m->record)
		record_leave (m->record);
	backup_note_clear (&m->note);
	g_array_unref (m->scratch);
	g_array_unref (m->parts);
	if (m->disks)
		g_ptr_array_unref (m->disks);
	if (m->nvram)
		g_string_free (m->nvram, TRUE);
	g_free (m->checkpoint);
	g_free (m->files);
	g_free (m->xml);
}

/* May another mount be about to do the same?  libvirt would let the second one wait for half a minute.  Of a push that
 * is over somebody still has to ask how it ended, which libvirt tells of the last job only. */
static bool is_rival (const struct making *m, const struct records *of, const char *name)
{
	struct backup_note note;
	bool noted = backup_note (of, name, &note);
	bool rival = strcmp (name, m->name) != 0 && !note.ended &&
		     !(noted && note.begun && !note.target && backup_job (m->lv, m->uuid, note.socket) == JOB_GONE);

	backup_note_clear (&note);
	return rival;
}

static int check_alone (const struct making *m, const struct records *of, struct fault *f)
{
	g_autoptr (GPtrArray) names = record_list (of);

	for (guint i = 0; i < names->len; i++)
		if (is_rival (m, of, names->pdata[i]))
			return fault (f, EBUSY, "%s has the backup %s: rmdir it first", m->domain, (char *) names->pdata[i]);
	return 0;
}

static int own (struct making *m, struct fault *f)
{
	struct records of = backup_records (m->lv, m->uuid);
	int r = record_make (&of, m->name, &m->record, f);

	return r < 0 ? r : check_alone (m, &of, f);
}

static struct served *serve (struct making *m)
{
	g_autofree char *scratch = backup_scratch_text (m->scratch);

	return served_new (m->lv, m->dom, m->domain, m->name, &m->note, scratch);
}

static int measure (const struct making *m, struct entry *disk, struct image *image, struct fault *f)
{
	const struct setup *setup = m->lv->backend.setup;

	disk->size = image->size;
	disk->allocated = image->allocated;
	return setup->thin ? setup->thin (image, disk->parent != NULL, &disk->thin, f) : 0;
}

/* Its map comes with it, and stays. */
static int open_disk (struct making *m, struct entry *disk, struct fault *f)
{
	struct image *image;
	int r = work_is_cancelled (m->domain, 0) ? fault (f, EINTR, "cancelled") : 0;

	if (r == 0)
		r = served_image (m->served, disk->name, disk->parent != NULL, &image, f);
	if (r < 0)
		return r;
	r = measure (m, disk, image, f);
	image_unref (image);
	return r;
}

static struct entry *add_disk (const struct making *m, const struct backup_part *part, struct listing *disks)
{
	struct entry *disk = listing_add (disks, entry_new (part->disk->target));

	disk->parent = part->counts ? g_strdup (m->wish->since) : NULL;
	disk->text = g_strdup (part->why);
	return disk;
}

/* A backup whose disks are in its record is one. */
static int open_disks (struct making *m, struct fault *f)
{
	LISTING disks = listing_new ();
	g_autofree char *text = NULL;
	int r = 0;

	m->served = serve (m);
	for (guint i = 0; r == 0 && i < m->parts->len; i++) {
		struct entry *disk = add_disk (m, backup_part (m, i), disks);

		r = m->note.target ? 0 : open_disk (m, disk, f);
	}
	text = backup_disks_text (disks);
	return r < 0 ? r : record_put (m->record, "disks", text, f);
}

static void remove_all (struct making *m)
{
	struct records of = backup_records (m->lv, m->uuid);

	backup_socket_remove (m->note.socket, m->note.directory);
	if (m->asked) {
		backup_scratch_remove (m->scratch);
		backup_pushed_remove (&of, m->name);
	}
	if (m->record)
		record_finish (g_steal_pointer (&m->record));
}

/* Nobody can be asked now whether the job has begun. */
static void undo_later (struct making *m)
{
	struct fault ignored;

	m->served = serve (m);
	m->served->stray = true;
	m->served->record = g_steal_pointer (&m->record);
	m->served = served_begin (m->served, &ignored);
}

static int undo_asked (struct making *m)
{
	struct records of = backup_records (m->lv, m->uuid);
	struct fault ignored;
	int r = m->asked ? backup_job_end (m->lv, m->uuid, m->note.socket, &ignored) : 0;

	return r == 0 && m->marked ? backup_fate_undo (m->lv, &of, m->name, &ignored) : r;
}

static void undo (struct making *m)
{
	if (m->served)
		served_end (m->served);
	served_unref (g_steal_pointer (&m->served));
	if (undo_asked (m) < 0)
		undo_later (m);
	else
		remove_all (m);
}

static int begin_watch (struct making *m, struct fault *f)
{
	if (work_is_cancelled (m->domain, 0))
		return fault (f, EINTR, "cancelled");
	m->served->record = g_steal_pointer (&m->record);
	m->served->seen = true;
	m->served = served_begin (m->served, f);
	return m->served ? 0 : -f->err;
}

static int begin (struct making *m, const struct backup_way *way, struct fault *f)
{
	int r;

	work_begin (m->domain, "backup", m->name, way->cancel);
	r = own (m, f);
	if (r == 0)
		r = way->begin (m, f);
	if (r == 0)
		r = open_disks (m, f);
	if (r == 0)
		r = begin_watch (m, f);
	if (r < 0)
		undo (m);
	if (r < 0 && work_is_cancelled (m->domain, 0))
		r = fault (f, EINTR, "cancelled");
	work_end (m->domain);
	return r;
}

static int make (struct making *m, struct fault *f)
{
	const struct backup_way *way;
	int r;

	virDomainGetUUIDString (m->dom, m->uuid);
	m->running = virDomainIsActive (m->dom) == 1;
	way = *m->wish->option[TARGET] ? &backup_by_push : m->running ? &backup_by_job : &backup_by_daemon;
	r = backup_plan (m, f);
	if (r == 0)
		r = way->plan (m, f);
	return r < 0 ? r : begin (m, way, f);
}

int backup_make (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	struct making m = { .lv = libvirt_of (be), .dom = dom, .domain = domain, .name = wish->name, .wish = wish,
			    .parts = g_array_new (FALSE, FALSE, sizeof (struct backup_part)),
			    .scratch = backup_scratch_parse (NULL) };
	int r;

	g_array_set_clear_func (m.parts, part_clear);
	r = dom ? make (&m, f) : -f->err;
	making_free (&m);
	return r;
}
