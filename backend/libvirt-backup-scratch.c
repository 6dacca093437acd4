/* libvirt-backup-scratch.c - where old data goes while a backup runs
 *
 * A guest whose scratch file cannot grow is paused by QEMU, so a backup is ended
 * before that.  libvirt makes and removes the file; a second one of that name, of
 * another domain in the same directory, has the domain's name at its end. */

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libvirt-backup.h"

static const char fallback[] = "/var/tmp/domfs";
static const uint64_t gib = 1ull << 30;

static bool room_in (const char *directory, uint64_t *size, uint64_t *left)
{
	struct statvfs st;

	if (statvfs (directory, &st) < 0)
		return false;
	*size = (uint64_t) st.f_blocks * st.f_frsize;
	*left = (uint64_t) st.f_bavail * st.f_frsize;
	return true;
}

/* Anybody may make a directory there before us. */
static int make_fallback (struct fault *f)
{
	struct stat st;

	if (mkdir (fallback, 0711) < 0 && errno != EEXIST)
		return fault (f, errno, "cannot make %s: %s", fallback, g_strerror (errno));
	if (lstat (fallback, &st) < 0 || !S_ISDIR (st.st_mode) || st.st_uid != geteuid ())
		return fault (f, EACCES, "%s belongs to somebody else: name another directory by -o scratch=", fallback);
	return 0;
}

/* One line of a record each, so a path of two lines is none of ours. */
static int directory_for (const struct setup *setup, const char *source, char **directory, struct fault *f)
{
	if (setup->scratch)
		*directory = g_strdup (setup->scratch);
	else if (source && g_path_is_absolute (source) && !strchr (source, '\n'))
		*directory = g_path_get_dirname (source);
	else
		*directory = g_strdup (fallback);
	return strcmp (*directory, fallback) == 0 ? make_fallback (f) : 0;
}

static int name_in (const char *directory, const char *base, const char *disk, char **path, struct fault *f)
{
	struct stat st;

	if (strlen (base) > NAME_MAX)
		return fault (f, ENAMETOOLONG, "the scratch file of %s would have a name of over %d bytes", disk, NAME_MAX);
	*path = g_build_filename (directory, base, NULL);
	if (lstat (*path, &st) < 0)
		return 0;
	fault (f, EEXIST, "the scratch file %s exists already: remove it if no backup runs", *path);
	g_clear_pointer (path, g_free);
	return -EEXIST;
}

static int reserve_in (const struct setup *setup, const char *directory, uint64_t *reserve, struct fault *f)
{
	uint64_t size, left;

	if (!room_in (directory, &size, &left))
		return fault (f, errno, "cannot look at %s: %s", directory, g_strerror (errno));
	*reserve = setup->scratch_reserve ? setup->scratch_reserve : MIN (MAX (size / 20, gib), left / 2);
	if (left > *reserve)
		return 0;
	return fault (f, ENOSPC, "%s has %" PRIu64 " bytes left, and %" PRIu64 " are to stay free", directory, left, *reserve);
}

int backup_scratch_place (const struct setup *setup, const char *domain, const char *name, const char *disk,
			  const char *source, struct backup_scratch *scratch, struct fault *f)
{
	g_autofree char *directory = NULL, *base = g_strdup_printf ("domfs-%s.%s", name, disk);
	g_autofree char *longer = g_strdup_printf ("%s.%s", base, domain);
	int r = directory_for (setup, source, &directory, f);

	*scratch = (struct backup_scratch) { NULL, 0 };
	if (r == 0)
		r = name_in (directory, base, disk, &scratch->path, f);
	if (r == -EEXIST)
		r = name_in (directory, longer, disk, &scratch->path, f);
	if (r == 0)
		r = reserve_in (setup, directory, &scratch->reserve, f);
	if (r < 0)
		g_clear_pointer (&scratch->path, g_free);
	return r;
}

char *backup_scratch_text (const GArray *scratch)
{
	GString *text = g_string_new (NULL);

	for (guint i = 0; i < scratch->len; i++) {
		const struct backup_scratch *one = &g_array_index (scratch, struct backup_scratch, i);

		g_string_append_printf (text, "%" PRIu64 " %s\n", one->reserve, one->path);
	}
	return g_string_free (text, FALSE);
}

static void clear (void *scratch)
{
	g_free (((struct backup_scratch *) scratch)->path);
}

GArray *backup_scratch_parse (const char *text)
{
	GArray *scratch = g_array_new (FALSE, FALSE, sizeof (struct backup_scratch));
	g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

	g_array_set_clear_func (scratch, clear);
	for (char **line = lines; *line; line++) {
		const char *blank = strchr (*line, ' ');
		struct backup_scratch one = { NULL, g_ascii_strtoull (*line, NULL, 10) };

		if (!blank)
			continue;
		one.path = g_strdup (blank + 1);
		g_array_append_val (scratch, one);
	}
	return scratch;
}

char *backup_scratch_full (const GArray *scratch)
{
	for (guint i = 0; i < scratch->len; i++) {
		const struct backup_scratch *one = &g_array_index (scratch, struct backup_scratch, i);
		g_autofree char *directory = g_path_get_dirname (one->path);
		uint64_t size, left;

		if (room_in (directory, &size, &left) && left < one->reserve)
			return g_strdup_printf ("scratch was filling %s", directory);
	}
	return NULL;
}

/* QEMU locks what it has open. */
static bool is_used (const char *path)
{
	int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool used = fd < 0 || fcntl (fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;

	if (fd >= 0)
		close (fd);
	return used;
}

void backup_scratch_remove (const GArray *scratch)
{
	for (guint i = 0; i < scratch->len; i++) {
		const char *path = g_array_index (scratch, struct backup_scratch, i).path;

		if (!is_used (path))
			unlink (path);
	}
}
