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

#include "qemu-bytes.h"
#include "qemu-tags.h"

enum {
	HEADER = 72, SIZE = 24, NUMBER = 60, TABLE = 64,
	ENTRY = 40, ID_LENGTH = 12, NAME_LENGTH = 14, EXTRA_LENGTH = 36,
	EXTRA_SIZE = 8,         /* in the extra data: of the disk then */
	MOST = 65536, MOST_EXTRA = 1024,        /* QEMU makes no more */
};

/* An entry of the table, as it is in the file. */
struct entry_bytes {
	unsigned char *bytes;
	size_t len, extra, id, name;    /* lengths */
};

/* The one that is at *AT; go on to the next one.  False: it cannot be read. */
static bool read_entry (int fd, uint64_t *at, struct entry_bytes *entry)
{
	unsigned char head[ENTRY];

	*entry = (struct entry_bytes) { NULL };
	if (!bytes_read (fd, *at, head, sizeof head))
		return false;
	entry->extra = bytes_number (head + EXTRA_LENGTH, 4);
	entry->id = bytes_number (head + ID_LENGTH, 2);
	entry->name = bytes_number (head + NAME_LENGTH, 2);
	if (entry->extra > MOST_EXTRA)
		return false;
	entry->len = ENTRY + entry->extra + entry->id + entry->name;
	entry->bytes = g_malloc (entry->len);
	if (!bytes_read (fd, *at, entry->bytes, entry->len))
		return false;
	*at = (*at + entry->len + 7) & ~UINT64_C (7);
	return true;
}

static bool is_called (const struct entry_bytes *entry, const char *tag)
{
	return entry->name == strlen (tag) && memcmp (entry->bytes + entry->len - entry->name, tag, entry->name) == 0;
}

static bool is_same (const struct entry_bytes *entry, const struct qemu_tag *tag)
{
	gsize len;
	const void *bytes = g_bytes_get_data (tag->entry, &len);

	return entry->len == len && memcmp (entry->bytes, bytes, len) == 0;
}

/* What ENTRY says, of a disk that has WHOLE bytes now.  It is taken over. */
static void tell (struct entry_bytes *entry, uint64_t whole, struct qemu_tag *out)
{
	const unsigned char *extra = entry->bytes + ENTRY;

	out->size = entry->extra >= EXTRA_SIZE + 8 ? bytes_number (extra + EXTRA_SIZE, 8) : whole;
	out->id = g_strndup ((const char *) extra + entry->extra, entry->id);
	out->entry = g_bytes_new_take (g_steal_pointer (&entry->bytes), entry->len);
}

/* Is ENTRY the one that LIKE says, or else one that is called TAG? */
static bool is_wanted (const struct entry_bytes *entry, const char *tag, const struct qemu_tag *like)
{
	return like ? is_same (entry, like) : is_called (entry, tag);
}

/* How many there are; the first of them is told in OUT, unless that is NULL.  -1: that is no whole table. */
static int search (int fd, const char *tag, const struct qemu_tag *like, struct qemu_tag *out)
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
		struct entry_bytes entry;
		bool whole = read_entry (fd, &at, &entry);

		if (whole && is_wanted (&entry, tag, like) && found++ == 0 && out)
			tell (&entry, bytes_number (header + SIZE, 8), out);
		g_free (entry.bytes);
		if (!whole)
			return -1;
	}
	return found;
}

int qemu_tags_count (const char *file, const char *tag, struct fault *f)
{
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), n;

	if (fd < 0)
		return fault (f, EIO, "%s cannot be read: %s", file, g_strerror (errno));
	n = search (fd, tag, NULL, NULL);
	close (fd);
	return n < 0 ? fault (f, EIO, "%s is no whole qcow2 image", file) : n;
}

int qemu_tag_find (int fd, const char *name, struct qemu_tag *out)
{
	int n;

	*out = (struct qemu_tag) { 0 };
	n = search (fd, name, NULL, out);
	if (n == 1)
		return 0;
	qemu_tag_clear (out);
	return n == 0 ? -ENOENT : n < 0 ? -EIO : -EEXIST;
}

bool qemu_tag_is_there (int fd, const struct qemu_tag *tag)
{
	return search (fd, NULL, tag, NULL) == 1;
}

void qemu_tag_clear (struct qemu_tag *tag)
{
	g_clear_pointer (&tag->id, g_free);
	g_clear_pointer (&tag->entry, g_bytes_unref);
}
