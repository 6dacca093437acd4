/* libvirt-backup-make.c - how a backup begins
 *
 * All that can be refused is refused before anything is done.  Then the record comes
 * first, and what it says is there is removed when any later step fails; if we die,
 * the next mount finds a record without its disks, and does the same. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libvirt-backup-served.h"
#include "libvirt-job.h"
#include "libvirt-work.h"
#include "libvirt-xml.h"

/* A backup on its way, and how far it has come. */
struct begin {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain, *name;
	char uuid[VIR_UUID_STRING_BUFLEN];
	char *xml;              /* of the domain */
	GPtrArray *disks;       /* of struct libvirt_disk: all it has */
	GPtrArray *chosen;      /* of those: what is backed up */
	GArray *scratch;        /* of struct backup_scratch, for each that is chosen */
	struct backup_note note;
	struct record *record;
	struct served *served;
	bool asked;             /* libvirt, to begin the job */
};

static void begin_free (struct begin *b)
{
	served_unref (b->served);
	if (b->record)
		record_leave (b->record);
	backup_note_clear (&b->note);
	g_array_unref (b->scratch);
	g_ptr_array_unref (b->chosen);
	if (b->disks)
		g_ptr_array_unref (b->disks);
	g_free (b->xml);
}

static int check_disk (const struct begin *b, const struct libvirt_disk *disk, struct fault *f)
{
	struct hypervisor at = libvirt_hypervisor (b->lv);

	if (!disk->source)
		return fault (f, EINVAL, "%s is empty", disk->target);
	if (disk->transient)
		return fault (f, EOPNOTSUPP, "%s is transient, and has no backups: write the other disks to options/disks",
			      disk->target);
	if (disk->iothread && at.version < 10000000)
		return fault (f, EOPNOTSUPP, "%s is in an iothread, and QEMU before 10 dies when its backup has been read: "
			      "write the other disks to options/disks", disk->target);
	return 0;
}

static int choose (struct begin *b, const struct libvirt_disk *disk, struct fault *f)
{
	int r = check_disk (b, disk, f);

	if (r == 0)
		g_ptr_array_add (b->chosen, (void *) disk);
	return r;
}

static int choose_all (struct begin *b, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < b->disks->len; i++)
		if (libvirt_disk_is_written (b->disks->pdata[i]))
			r = choose (b, b->disks->pdata[i], f);
	if (r == 0 && b->chosen->len == 0)
		r = fault (f, EOPNOTSUPP, "%s has no disk that it could write to", b->domain);
	return r;
}

static int choose_named (struct begin *b, const char *names, struct fault *f)
{
	g_auto (GStrv) name = g_strsplit (names, ",", -1);
	int r = 0;

	for (int i = 0; r == 0 && name[i]; i++) {
		const struct libvirt_disk *disk = libvirt_disk_find (b->disks, name[i]);

		r = disk ? choose (b, disk, f) : fault (f, EINVAL, "%s has no disk %s", b->domain, name[i]);
	}
	return r;
}

static int choose_disks (struct begin *b, const char *which, struct fault *f)
{
	if (strcmp (which, "none") == 0)
		return fault (f, EINVAL, "a backup without disks is none: write all to options/disks");
	return strcmp (which, "all") == 0 ? choose_all (b, f) : choose_named (b, which, f);
}

static int place_scratch (struct begin *b, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < b->chosen->len; i++) {
		const struct libvirt_disk *disk = b->chosen->pdata[i];
		bool has_directory = strcmp (disk->type, "file") == 0;
		struct backup_scratch scratch;

		r = backup_scratch_place (b->lv->backend.setup, b->domain, b->name, disk->target,
					  has_directory ? disk->source : NULL, &scratch, f);
		if (r == 0)
			g_array_append_val (b->scratch, scratch);
	}
	return r;
}

/* Nothing is changed by this, and it takes no second. */
static int check (struct begin *b, const struct wish *wish, struct fault *f)
{
	int r;

	if (virDomainIsActive (b->dom) != 1)
		return fault (f, EBUSY, "%s is not running: start it, then mkdir", b->domain);
	r = libvirt_check_idle (b->lv, b->dom, b->domain, f);
	if (r < 0)
		return r;
	b->xml = virDomainGetXMLDesc (b->dom, 0);
	if (!b->xml)
		return libvirt_fault (f);
	b->disks = libvirt_xml_disks (b->xml);
	r = choose_disks (b, wish->option[DISKS], f);
	return r < 0 ? r : place_scratch (b, f);
}

static char *job_xml (const struct begin *b)
{
	g_autofree struct libvirt_backup_disk *disks = g_new0 (struct libvirt_backup_disk, b->disks->len);

	for (guint i = 0; i < b->disks->len; i++) {
		const struct libvirt_disk *disk = b->disks->pdata[i];
		guint at;

		disks[i].target = disk->target;
		if (g_ptr_array_find (b->chosen, disk, &at))
			disks[i].scratch = g_array_index (b->scratch, struct backup_scratch, at).path;
	}
	return libvirt_xml_new_backup (b->note.socket, disks, b->disks->len);
}

/* What must be known if we die in the next step. */
static int write_record (struct begin *b, const char *xml, struct fault *f)
{
	g_autofree char *scratch = backup_scratch_text (b->scratch);
	g_autofree char *born = g_strdup_printf ("%" PRId64, g_get_real_time () * 1000);
	const struct { const char *file, *text; } files[] = {
		{ "socket", b->note.socket }, { "directory", b->note.directory }, { "scratch", scratch },
		{ "domain.xml", b->xml },     { "backup.xml", xml },              { "born", born },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < G_N_ELEMENTS (files); i++)
		r = record_put (b->record, files[i].file, files[i].text, f);
	return r;
}

/* May another mount be about to do the same?  libvirt would let the second one wait for half a minute. */
static bool is_rival (const struct begin *b, const struct records *of, const char *name)
{
	struct backup_note note;
	bool noted = backup_note (of, name, &note);
	bool rival = strcmp (name, b->name) != 0 && !note.ended &&
		     !(noted && note.begun && backup_job (b->lv, b->uuid, note.socket) == JOB_GONE);

	backup_note_clear (&note);
	return rival;
}

static int check_alone (const struct begin *b, const struct records *of, struct fault *f)
{
	g_autoptr (GPtrArray) names = record_list (of);

	for (guint i = 0; i < names->len; i++)
		if (is_rival (b, of, names->pdata[i]))
			return fault (f, EBUSY, "%s has the backup %s: rmdir it first", b->domain, (char *) names->pdata[i]);
	return 0;
}

static int begin_job (struct begin *b, struct fault *f)
{
	struct records of = backup_records (b->lv, b->uuid);
	g_autofree char *xml = NULL;
	int r = record_make (&of, b->name, &b->record, f);

	if (r == 0)
		r = check_alone (b, &of, f);
	if (r == 0)
		r = backup_socket_place (b->lv, b->dom, &b->note.socket, &b->note.directory, f);
	if (r < 0)
		return r;
	xml = job_xml (b);
	r = write_record (b, xml, f);
	if (r == 0 && b->note.directory)
		r = backup_socket_make (b->note.directory, b->xml, f);
	if (r < 0)
		return r;
	b->asked = true;
	return virDomainBackupBegin (b->dom, xml, NULL, 0) < 0 ? libvirt_fault (f) : 0;
}

static struct served *serve (struct begin *b)
{
	g_autofree char *scratch = backup_scratch_text (b->scratch);

	return served_new (b->lv, b->dom, b->domain, b->name, &b->note, scratch);
}

/* Its map comes with it, and stays. */
static int open_disk (struct begin *b, const char *target, struct listing *sizes, struct fault *f)
{
	struct image *image;
	struct entry *disk;
	int r = work_is_cancelled (b->domain, 0) ? fault (f, EINTR, "cancelled") : 0;

	if (r == 0)
		r = served_image (b->served, target, &image, f);
	if (r < 0)
		return r;
	disk = listing_add (sizes, entry_new (target));
	disk->size = image->size;
	disk->allocated = image->allocated;
	image_unref (image);
	return 0;
}

/* A backup whose disks are in its record is one. */
static int open_disks (struct begin *b, struct fault *f)
{
	g_autofree char *xml = virDomainBackupGetXMLDesc (b->dom, 0), *text = NULL;
	LISTING sizes = listing_new ();
	int r = xml ? record_put (b->record, "backup.xml", xml, f) : libvirt_fault (f);

	b->served = serve (b);
	for (guint i = 0; r == 0 && i < b->chosen->len; i++)
		r = open_disk (b, ((struct libvirt_disk *) b->chosen->pdata[i])->target, sizes, f);
	text = backup_disks_text (sizes);
	return r < 0 ? r : record_put (b->record, "disks", text, f);
}

static void remove_all (struct begin *b)
{
	backup_socket_remove (b->note.socket, b->note.directory);
	if (b->asked)
		backup_scratch_remove (b->scratch);
	if (b->record)
		record_finish (g_steal_pointer (&b->record));
}

/* Nobody can be asked now whether the job has begun. */
static void undo_later (struct begin *b)
{
	struct fault ignored;

	b->served = serve (b);
	b->served->stray = true;
	b->served->record = g_steal_pointer (&b->record);
	b->served = served_begin (b->served, &ignored);
}

static void undo (struct begin *b)
{
	struct fault ignored;

	if (b->served)
		served_end (b->served);
	served_unref (g_steal_pointer (&b->served));
	if (b->asked && backup_job_end (b->lv, b->uuid, b->note.socket, &ignored) < 0)
		undo_later (b);
	else
		remove_all (b);
}

static int begin_watch (struct begin *b, struct fault *f)
{
	if (work_is_cancelled (b->domain, 0))
		return fault (f, EINTR, "cancelled");
	b->served->record = g_steal_pointer (&b->record);
	b->served = served_begin (b->served, f);
	return b->served ? 0 : -f->err;
}

static int begin (struct begin *b, struct fault *f)
{
	int r;

	work_begin (b->domain, "backup", b->name, BY_ABORT);
	r = begin_job (b, f);
	if (r == 0)
		r = open_disks (b, f);
	if (r == 0)
		r = begin_watch (b, f);
	if (r < 0)
		undo (b);
	if (r < 0 && work_is_cancelled (b->domain, 0))
		r = fault (f, EINTR, "cancelled");
	work_end (b->domain);
	return r;
}

int backup_make (struct backend *be, const char *domain, struct wish *wish, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	struct begin b = { .lv = libvirt_of (be), .dom = dom, .domain = domain, .name = wish->name,
			   .chosen = g_ptr_array_new (), .scratch = backup_scratch_parse (NULL) };
	int r;

	if (dom)
		virDomainGetUUIDString (dom, b.uuid);
	r = dom ? check (&b, wish, f) : -f->err;
	if (r == 0)
		r = begin (&b, f);
	begin_free (&b);
	return r;
}
