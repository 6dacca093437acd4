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

bool mountpoint_is_open (const char *path)
{
	return g_str_has_prefix (path, "/dev/fd/");
}

int mountpoint_find (const char *path, bool nonempty, char **out, struct fault *f)
{
	struct stat st;

	if (stat (path, &st) < 0)
		return cannot (path, f);
	if (!S_ISDIR (st.st_mode))
		return fault (f, ENOTDIR, "%s is not a directory", path);
	if (!nonempty && check_empty (path, f) < 0)
		return -f->err;
	*out = realpath (path, NULL);
	return *out ? 0 : cannot (path, f);
}

static bool is_allowed (const char *conf)
{
	g_auto (GStrv) lines = g_strsplit (conf, "\n", -1);
	bool found = false;

	for (char **line = lines; *line; line++)
		found |= strcmp (g_strstrip (*line), "user_allow_other") == 0;
	return found;
}

int mountpoint_allows_others (struct fault *f)
{
	g_autofree char *conf = NULL;

	if (geteuid () == 0)
		return 0;
	if (g_file_get_contents ("/etc/fuse.conf", &conf, NULL, NULL) && is_allowed (conf))
		return 0;
	return fault (f, EPERM, "allow_other is for root, unless /etc/fuse.conf has the line user_allow_other");
}

int mountpoint_spares (const char *mountpoint, const char *path, struct fault *f)
{
	size_t len = strlen (mountpoint);

	if (!path || !g_str_has_prefix (path, mountpoint) || (path[len] && path[len] != '/'))
		return 0;
	return fault (f, EINVAL, "%s would be inside %s", path, mountpoint);
}
