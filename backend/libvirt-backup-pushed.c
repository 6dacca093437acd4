/* libvirt-backup-pushed.c - what libvirt has written, and whether that is all
 *
 * libvirt tells of the last job of a domain how it ended, but not which that was.  Who
 * has seen the job run knows; else the files must have been closed when it ended.  What
 * changed since a checkpoint rests on the live image, as libvirt leaves it: before the
 * file has its name, it rests on the one before it in the chain. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libvirt-backup-push.h"
#include "qemu-offline.h"

enum { SLACK_MS = 2000 };       /* between the end of a job and what tells of it */

/* The last job of a domain that is over. */
struct over {
	bool known, success;
	char why[192];          /* it failed, or "" */
	int64_t took;           /* ms */
};

static void read_over (virTypedParameterPtr params, int n, int type, struct over *over)
{
	unsigned long long took = 0;
	const char *why = NULL;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	virTypedParamsGetInt (params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsGetULLong (params, n, VIR_DOMAIN_JOB_TIME_ELAPSED, &took);
	virTypedParamsGetString (params, n, VIR_DOMAIN_JOB_ERRMSG, &why);
	over->known = operation == VIR_DOMAIN_JOB_OPERATION_BACKUP;
	over->success = type == VIR_DOMAIN_JOB_COMPLETED && !why;       /* one that is cancelled may succeed, with a why */
	over->took = took;
	g_strlcpy (over->why, why ? why : "", sizeof over->why);
}

static int ask (struct served *served, struct over *over, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (served->lv, served->uuid, f);
	const unsigned flags = VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;

	*over = (struct over) { false };
	if (!dom)
		return -f->err;
	if (virDomainGetJobStats (dom, &type, &params, &n, flags) < 0)
		return libvirt_fault (f);
	if (type != VIR_DOMAIN_JOB_NONE)
		read_over (params, n, type, over);
	virTypedParamsFree (params, n);
	return 0;
}

/* Were FILES closed when that job ended, if it began as they did?  They change owners then. */
static bool is_of (const struct over *over, const GArray *files, int64_t born)
{
	int64_t closed = 0, end = born / 1000000 + over->took;
	struct stat st;

	for (guint i = 0; i < files->len; i++)
		if (lstat (push_file (files, i)->part, &st) == 0)
			closed = MAX (closed, (int64_t) st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000);
	return ABS (closed - end) <= SLACK_MS;
}

static int check_written (struct served *served, const struct records *of, const GArray *files, struct fault *f)
{
	g_autofree char *born = record_get (of, served->name, "born");
	struct over over;
	int r = ask (served, &over, f);

	if (r < 0)
		return r == -ENOENT ? fault (f, EIO, "the guest is gone") : r;
	if (over.known && over.success && (served->seen || is_of (&over, files, g_ascii_strtoll (born, NULL, 10))))
		return 0;
	if (!served->seen)
		return fault (f, EIO, "it ended while no mount was up, and nobody can say that all was written");
	if (over.known && *over.why)
		return fault (f, EIO, "%s", over.why);
	return fault (f, EIO, "%s", backup_job_why (served->lv, served->uuid, served->socket, served->id));
}

static bool is_there (const char *path, ino_t inode)
{
	struct stat st;

	return lstat (path, &st) == 0 && st.st_ino == inode;
}

static int sync_path (const char *path, int flags, struct fault *f)
{
	int fd = open (path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;

	if (fd < 0 || fsync (fd) < 0)
		err = errno;
	if (fd >= 0)
		close (fd);
	return err ? fault (f, EIO, "cannot sync %s: %s", path, g_strerror (err)) : 0;
}

static int prepare (const struct push_file *file, struct fault *f)
{
	int r;

	if (is_there (file->path, file->inode))         /* by who died then */
		return 0;
	if (!is_there (file->part, file->inode))
		return fault (f, EIO, "somebody has taken %s away", file->part);
	r = file->backing ? qemu_offline_rebase (file->part, file->backing, f) : 0;
	return r < 0 ? r : sync_path (file->part, 0, f);
}

/* Some file systems cannot do it in one step. */
static int rename_new (const char *from, const char *to)
{
	if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	return errno == EINVAL && link (from, to) == 0 ? unlink (from) : -1;
}

static int give_name (const struct push_file *file, struct fault *f)
{
	if (is_there (file->path, file->inode) || rename_new (file->part, file->path) == 0)
		return 0;
	return fault (f, EIO, "%s could not get its name: %s", file->path, g_strerror (errno));
}

static int finish (const char *target, const GArray *files, struct fault *f)
{
	int r = 0;

	for (guint i = 0; r == 0 && i < files->len; i++)
		r = prepare (push_file (files, i), f);
	for (guint i = 0; r == 0 && i < files->len; i++)
		r = give_name (push_file (files, i), f);
	return r < 0 ? r : sync_path (target, O_DIRECTORY, f);
}

static GArray *files_of (const struct records *of, const char *name)
{
	g_autofree char *target = record_get (of, name, "target"), *text = record_get (of, name, "files");

	return push_files (target, target ? text : NULL);
}

int backup_pushed (struct served *served, struct fault *f)
{
	struct records of = backup_records (served->lv, served->uuid);
	g_autoptr (GArray) files = files_of (&of, served->name);
	int r = 0;

	if (!backup_has (&of, served->name, "written")) {
		r = check_written (served, &of, files, f);
		if (r == 0)
			r = served_note (served, "written", "yes", f);
	}
	if (r == 0)
		r = finish (served->target, files, f);
	return r < 0 ? r : served_note (served, "complete", "yes", f);
}

void backup_pushed_remove (const struct records *of, const char *name)
{
	g_autoptr (GArray) files = files_of (of, name);

	for (guint i = 0; i < files->len; i++) {
		const struct push_file *file = push_file (files, i);

		if (file->inode == 0 || is_there (file->part, file->inode))
			unlink (file->part);
		if (file->inode != 0 && is_there (file->path, file->inode))
			unlink (file->path);
	}
}
