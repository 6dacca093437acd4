/* mountpoint.c - where it is to be mounted */

#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mountpoint.h"

static int cannot (const char *path, struct fault *f)
{
	int err = errno;

	if (err == ENOTCONN)            /* left there, so that nobody takes an empty directory for the truth */
		return fault (f, err, "%s is a dead mount: %s %s", path, geteuid () == 0 ? "umount" : "fusermount3 -u", path);
	return fault (f, err, "%s: %s", path, g_strerror (err));
}

static int check_empty (const char *path, struct fault *f)
{
	DIR *dir = opendir (path);
	const struct dirent *entry;
	int n = 0;

	if (!dir)
		return cannot (path, f);
	while ((entry = readdir (dir)))
		n += strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0;
	closedir (dir);
	return n == 0 ? 0 : fault (f, ENOTEMPTY, "%s is not empty: -o nonempty hides what is there", path);
}

int mountpoint_find (const char *path, bool nonempty, char **out, struct fault *f)
{
	struct stat st;

	if (g_str_has_prefix (path, "/dev/fd/")) {
		*out = g_strdup (path);
		return 0;
	}
	if (stat (path, &st) < 0)
		return cannot (path, f);
	if (!S_ISDIR (st.st_mode))
		return fault (f, ENOTDIR, "%s is not a directory", path);
	if (!nonempty && check_empty (path, f) < 0)
		return -f->err;
	*out = realpath (path, NULL);
	return *out ? 0 : cannot (path, f);
}

int mountpoint_spares (const char *mountpoint, const char *path, struct fault *f)
{
	size_t len = strlen (mountpoint);

	if (!path || !g_str_has_prefix (path, mountpoint) || (path[len] && path[len] != '/'))
		return 0;
	return fault (f, EINVAL, "%s would be inside %s", path, mountpoint);
}
