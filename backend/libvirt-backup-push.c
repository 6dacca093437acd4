/* libvirt-backup-push.c - a backup that libvirt itself writes into a directory
 *
 * The files are named in the record before there are any, and by their inodes as soon as
 * there are: nothing else is ever removed or given a name. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "chain.h"
#include "libvirt-backup-make.h"
#include "libvirt-backup-push.h"
#include "libvirt-checkpoint.h"

static const char suffix[] = ".part";

static void clear (void *data)
{
	struct push_file *file = data;

	g_free (file->name);
	g_free (file->backing);
	g_free (file->path);
	g_free (file->part);
}

static GArray *files_new (void)
{
	GArray *files = g_array_new (FALSE, FALSE, sizeof (struct push_file));

	g_array_set_clear_func (files, clear);
	return files;
}

static void add (GArray *files, const char *target, const char *name, const char *backing, ino_t inode)
{
	struct push_file file = { g_strdup (name), g_strdup (backing), g_build_filename (target, name, NULL), NULL, inode };

	file.part = g_strconcat (file.path, suffix, NULL);
	g_array_append_val (files, file);
}

GArray *push_files (const char *target, const char *text)
{
	GArray *files = files_new ();
	g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

	for (char **line = lines; *line; line++) {
		g_auto (GStrv) words = g_strsplit (*line, " ", 3);

		if (g_strv_length (words) == 3)
			add (files, target, words[0], strcmp (words[1], "-") == 0 ? NULL : words[1],
			     g_ascii_strtoull (words[2], NULL, 10));
	}
	return files;
}

char *push_files_text (const GArray *files)
{
	GString *text = g_string_new (NULL);

	for (guint i = 0; i < files->len; i++) {
		const struct push_file *file = push_file (files, i);

		g_string_append_printf (text, "%s %s %ju\n", file->name, file->backing ? file->backing : "-",
					(uintmax_t) file->inode);
	}
	return g_string_free (text, FALSE);
}

static bool is_range (const struct making *m)
{
	return m->wish->since || m->wish->leaves;
}

static void name_file (const struct making *m, const struct backup_part *part, GArray *files)
{
	const char *disk = part->disk->target, *since = part->counts ? m->wish->since : NULL;
	g_autofree char *name = is_range (m) ? chain_file (disk, since, m->wish->leaves) : g_strconcat (disk, ".raw", NULL);
	g_autofree char *backing = since ? chain_file (disk, NULL, since) : NULL;

	add (files, m->note.target, name, backing, 0);
}

static int check_absent (const char *path, struct fault *f)
{
	struct stat st;

	if (lstat (path, &st) == 0)
		return fault (f, EEXIST, "%s exists already: move it away, or write another directory to options/target", path);
	return errno == ENOENT ? 0 : fault (f, errno, "cannot look for %s: %s", path, g_strerror (errno));
}

static int check_file (const struct push_file *file, struct fault *f)
{
	int r;

	if (strlen (file->name) + strlen (suffix) > NAME_MAX)
		return fault (f, ENAMETOOLONG, "%s%s would have a name of over %d bytes", file->name, suffix, NAME_MAX);
	r = check_absent (file->path, f);
	return r < 0 ? r : check_absent (file->part, f);
}

static int check_target (const struct making *m, const char *target, struct fault *f)
{
	struct stat st;

	if (!m->running)
		return fault (f, EOPNOTSUPP, "only the QEMU of a running guest writes into %s: start %s, or write "
			      "an empty line to options/target", target, m->domain);
	if (stat (target, &st) < 0)
		return fault (f, errno, "options/target is %s: %s", target, g_strerror (errno));
	return S_ISDIR (st.st_mode) ? 0 : fault (f, ENOTDIR, "options/target is %s, which is no directory", target);
}

static int plan (struct making *m, struct fault *f)
{
	g_autoptr (GArray) files = files_new ();
	int r = check_target (m, m->wish->option[TARGET], f);

	m->note.target = g_strdup (m->wish->option[TARGET]);
	for (guint i = 0; r == 0 && i < m->parts->len; i++) {
		name_file (m, backup_part (m, i), files);
		r = check_file (push_file (files, i), f);
	}
	m->files = push_files_text (files);
	return r;
}

static struct libvirt_push_disk in_job (const struct making *m, const GArray *files, const struct libvirt_disk *disk,
					const char *since)
{
	struct libvirt_push_disk in = { .target = disk->target, .format = is_range (m) ? "qcow2" : "raw" };

	for (guint i = 0; i < m->parts->len; i++)
		if (backup_part (m, i)->disk == disk) {
			in.file = push_file (files, i)->part;
			in.since = backup_part (m, i)->counts ? since : NULL;
		}
	return in;
}

static char *document (const struct making *m, const GArray *files)
{
	g_autofree struct libvirt_push_disk *disks = g_new (struct libvirt_push_disk, m->disks->len);
	g_autofree char *since = m->wish->since ? name_decode (m->wish->since) : NULL;

	for (guint i = 0; i < m->disks->len; i++)
		disks[i] = in_job (m, files, m->disks->pdata[i], since);
	return libvirt_xml_new_push (disks, m->disks->len);
}

/* What is there now is libvirt's, and no other file of that name. */
static int note_inodes (const struct making *m, const GArray *files, struct fault *f)
{
	g_autofree char *text = NULL;
	struct stat st;

	for (guint i = 0; i < files->len; i++) {
		if (lstat (push_file (files, i)->part, &st) < 0)
			return fault (f, EIO, "libvirt has made no %s", push_file (files, i)->part);
		push_file (files, i)->inode = st.st_ino;
	}
	text = push_files_text (files);
	return record_put (m->record, "files", text, f);
}

/* What libvirt has made when it fails it removes itself; what there is then may be somebody else's. */
static int begin_job (struct making *m, const GArray *files, const char *xml, struct fault *f)
{
	struct fault ignored;
	int r;

	m->asked = true;
	r = virDomainBackupBegin (m->dom, xml, m->checkpoint, 0) < 0 ? libvirt_fault (f) : 0;
	m->marked = r == 0 || r == -ENOTCONN;
	if (r < 0 && !m->marked)
		record_put (m->record, "files", NULL, &ignored);
	if (r == 0)
		r = note_inodes (m, files, f);
	return r == 0 && m->checkpoint ? checkpoint_verify (m->lv, m->dom, m->wish->leaves, f) : r;
}

static int begin (struct making *m, struct fault *f)
{
	g_autoptr (GArray) files = push_files (m->note.target, m->files);
	g_autofree char *xml = document (m, files);
	int r;

	m->note.socket = g_strdup (push_file (files, 0)->part);
	r = backup_note_write (m, xml, f);
	return r < 0 ? r : begin_job (m, files, xml, f);
}

const struct backup_way backup_by_push = { plan, begin, BY_ABORT };
