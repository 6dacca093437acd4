/* qemu-tags.c - the internal snapshots that a qcow2 file says it holds
 *
 * The header has their number at byte 60 and at byte 64 where their table is.  An entry
 * is 40 bytes, of which the lengths below matter here, then extra data, an id and a
 * name, and is padded to 8 bytes.  All numbers are big-endian (docs/interop/qcow2.txt). */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "qemu-bytes.h"
#include "qemu-tags.h"

enum {
	HEADER = 72, NUMBER = 60, TABLE = 64,
	ENTRY = 40, ID_LENGTH = 12, NAME_LENGTH = 14, EXTRA_LENGTH = 36,
	MOST = 65536,           /* QEMU makes no more */
};

/* Is the entry at *AT called TAG?  Go on to the next one.  -1: it cannot be read. */
static int is_called (int fd, uint64_t *at, const char *tag)
{
	unsigned char entry[ENTRY];
	uint64_t begin, len;
	g_autofree char *name = NULL;

	if (!bytes_read (fd, *at, entry, sizeof entry))
		return -1;
	begin = *at + ENTRY + bytes_number (entry + EXTRA_LENGTH, 4) + bytes_number (entry + ID_LENGTH, 2);
	len = bytes_number (entry + NAME_LENGTH, 2);
	name = g_malloc (len);
	if (!bytes_read (fd, begin, name, len))
		return -1;
	*at = (begin + len + 7) & ~UINT64_C (7);
	return len == strlen (tag) && memcmp (name, tag, len) == 0;
}

static int count (int fd, const char *tag)
{
	unsigned char header[HEADER];
	uint64_t n, at;
	int found = 0;

	if (!bytes_read (fd, 0, header, sizeof header) || memcmp (header, "QFI\xfb", 4) != 0)
		return -1;
	n = bytes_number (header + NUMBER, 4);
	at = bytes_number (header + TABLE, 8);
	if (n > MOST || at > INT64_MAX / 2)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		int is = is_called (fd, &at, tag);

		if (is < 0)
			return -1;
		found += is;
	}
	return found;
}

int qemu_tags_count (const char *file, const char *tag, struct fault *f)
{
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), n;

	if (fd < 0)
		return fault (f, EIO, "%s cannot be read: %s", file, g_strerror (errno));
	n = count (fd, tag);
	close (fd);
	return n < 0 ? fault (f, EIO, "%s is no whole qcow2 image", file) : n;
}
