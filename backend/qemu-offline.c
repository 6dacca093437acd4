/* qemu-offline.c - images, looked at and mended without their guest
 *
 * qemu-img opens a file under a running guest only with -U, which takes no lock. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#include "qemu-offline.h"

static void json_leave (json_t **json)
{
	json_decref (*json);
}

#define JSON __attribute__ ((cleanup (json_leave))) json_t *

/* Run qemu-img and return what it prints, which is the caller's; or NULL and its own sentence. */
static char *qemu_img (const char *const *argv, const char *file, struct fault *f)
{
	g_autofree char *errors = NULL;
	g_autoptr (GError) error = NULL;
	char *out = NULL;
	int status;

	if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &errors, &status, &error)) {
		fault (f, EOPNOTSUPP, "%s cannot be looked at: %s", file, error->message);
		return NULL;
	}
	if (g_spawn_check_wait_status (status, NULL))
		return out;
	g_strdelimit (g_strchomp (errors), "\n", ' ');
	fault (f, strstr (errors, "Failed to get") ? EBUSY : EIO, "%s", errors);
	g_free (out);
	return NULL;
}

int qemu_offline_check (const char *file, struct fault *f)
{
	const char *const argv[] = { "qemu-img", "info", "-U", "--backing-chain", "-f", "qcow2", file, NULL };
	g_autofree char *out = qemu_img (argv, file, f);

	return out ? 0 : -f->err;
}

char *qemu_offline_info (const char *file, const char *format, struct fault *f)
{
	const char *const argv[] = { "qemu-img", "info", "-U", "--output=json", "-f", format, file, NULL };

	return qemu_img (argv, file, f);
}

static int count_tags (const json_t *image, const char *tag)
{
	const json_t *snapshots = json_object_get (image, "snapshots");
	int n = 0;

	for (size_t i = 0; i < json_array_size (snapshots); i++) {
		const char *name = json_string_value (json_object_get (json_array_get (snapshots, i), "name"));

		n += g_strcmp0 (name, tag) == 0;
	}
	return n;
}

int qemu_offline_tags_in_nodes (const char *nodes, const char *file, const char *tag, struct fault *f)
{
	JSON answer = json_loads (nodes, 0, NULL);
	const json_t *list = json_object_get (answer, "return");

	for (size_t i = 0; i < json_array_size (list); i++) {
		const json_t *image = json_object_get (json_array_get (list, i), "image");
		const char *name = json_string_value (json_object_get (image, "filename"));
		const char *format = json_string_value (json_object_get (image, "format"));

		if (g_strcmp0 (name, file) == 0 && g_strcmp0 (format, "qcow2") == 0)
			return count_tags (image, tag);
	}
	return fault (f, EIO, "QEMU does not know %s", file);
}

int qemu_offline_remove_tag (const char *file, const char *tag, struct fault *f)
{
	const char *const argv[] = { "qemu-img", "snapshot", "-d", tag, file, NULL };
	g_autofree char *out = qemu_img (argv, file, f);

	return out ? 0 : -f->err;
}

int qemu_offline_rebase (const char *file, const char *backing, struct fault *f)
{
	const char *const argv[] = { "qemu-img", "rebase", "-u", "-f", "qcow2", "-b", backing, "-F", "qcow2", file, NULL };
	g_autofree char *out = qemu_img (argv, file, f);

	return out ? 0 : -f->err;
}

/* QEMU locks the bytes from 100 on for what it does to a file, and from 200 on for what
 * others must not. */
bool qemu_offline_is_locked (const char *file)
{
	struct flock bytes = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 200 };
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool locked;

	if (fd < 0)
		return false;
	locked = fcntl (fd, F_OFD_GETLK, &bytes) == 0 && bytes.l_type != F_UNLCK;
	close (fd);
	return locked;
}

/* Version 2 of the format has no room for them; who may not read it can only hope. */
bool qemu_offline_holds_bitmaps (const char *file)
{
	static const unsigned char old[] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 2 };
	unsigned char header[sizeof old] = { 0 };
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_old;

	if (fd < 0)
		return true;
	is_old = pread (fd, header, sizeof header, 0) == sizeof header && memcmp (header, old, sizeof old) == 0;
	close (fd);
	return !is_old;
}

static int change_bitmap (const char *how, const char *file, const char *name, struct fault *f)
{
	const char *const argv[] = { "qemu-img", "bitmap", how, "-f", "qcow2", file, name, NULL };
	g_autofree char *out = qemu_img (argv, file, f);

	return out ? 0 : -f->err;
}

int qemu_offline_add_bitmap (const char *file, const char *name, struct fault *f)
{
	return change_bitmap ("--add", file, name, f);
}

int qemu_offline_remove_bitmap (const char *file, const char *name, struct fault *f)
{
	return change_bitmap ("--remove", file, name, f);
}
