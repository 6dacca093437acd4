/* libvirt-nvram.c - the variables of a UEFI guest's firmware
 *
 * QEMU writes them as the guest does, so a copy is one of a moment if two readings in a
 * row agree.  What is qcow2 keeps its tables in QEMU's memory while that runs. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libvirt-nvram.h"
#include "libvirt-xml.h"

enum { LARGEST = 64 << 20, READINGS = 20 };     /* the largest there are: edk2's of aarch64 */

static const char file[] = "os/nvram/source/@file | os/nvram/source/@dev | os/nvram[not(source)]/text()";

static int cannot (const char *path, int err, struct fault *f)
{
	return fault (f, err, "the firmware's variables in %s cannot be read: %s", path, g_strerror (err));
}

static int read_all (int fd, const char *path, GString *out, struct fault *f)
{
	char buf[1 << 16];
	ssize_t n;

	g_string_truncate (out, 0);
	while ((n = pread (fd, buf, sizeof buf, out->len)) > 0) {
		g_string_append_len (out, buf, n);
		if (out->len > LARGEST)
			return cannot (path, EFBIG, f);
	}
	return n < 0 ? cannot (path, errno, f) : 0;
}

static int read_twice (int fd, const char *path, GString *out, struct fault *f)
{
	g_autoptr (GString) before = g_string_new (NULL);
	int r = read_all (fd, path, before, f);

	for (int i = 1; r == 0 && i < READINGS; i++) {
		r = read_all (fd, path, out, f);
		if (r < 0 || g_string_equal (before, out))
			return r;
		g_string_truncate (before, 0);
		g_string_append_len (before, out->str, out->len);
	}
	return r < 0 ? r : fault (f, EBUSY, "the guest writes to its firmware's variables all the time: try again");
}

static int read_file (const char *path, GString **out, struct fault *f)
{
	int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : cannot (path, errno, f);
	*out = g_string_new (NULL);
	r = read_twice (fd, path, *out, f);
	close (fd);
	if (r < 0 || (*out)->len == 0) {
		g_string_free (*out, TRUE);
		*out = NULL;
	}
	return r;
}

/* libvirt makes the file from a template when the guest first starts: before that there is none. */
int libvirt_nvram (const char *xml, bool running, GString **out, struct fault *f)
{
	g_autofree char *path = libvirt_xml_text (xml, file);

	*out = NULL;
	if (libvirt_xml_has (xml, "os/nvram[@type='network']"))
		return fault (f, EOPNOTSUPP, "the firmware's variables cannot be read: they are on the network");
	if (!path || !g_path_is_absolute (path))
		return 0;
	if (running && libvirt_xml_has (xml, "os/nvram[@format='qcow2']"))
		return fault (f, EOPNOTSUPP, "the firmware's variables in %s are qcow2, and whole only while the guest is off", path);
	return read_file (path, out, f);
}
