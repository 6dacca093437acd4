/* qemu-bitmaps.c - the bitmaps that qcow2 files say they hold
 *
 * Behind the header, whose length is at byte 100, come extensions: a type and a length of 4
 * bytes each, and data padded to 8.  That of bitmaps has their number, and at byte 16 where
 * their directory is; it counts only while bit 0 of the autoclear features at byte 88 is set,
 * or somebody who knows no bitmaps has written since.  An entry of the directory is 24 bytes,
 * extra data and a name, padded to 8 (docs/interop/qcow2.txt). */

#include <fcntl.h>
#include <string.h>

#include "qemu-bitmaps.h"
#include "qemu-bytes.h"

enum {
	HEADER = 104, VERSION = 4, BACKING = 8, BACKING_LENGTH = 16, AUTOCLEAR = 88, HEADER_LENGTH = 100,
	NO_EXTENSION = 0, BITMAPS = 0x23852875, BITMAPS_LENGTH = 24, DIRECTORY = 16,
	ENTRY = 24, FLAGS = 12, NAME_LENGTH = 18, EXTRA_LENGTH = 20,
	IN_USE = 1, AUTO = 2,
	MOST_EXTENSIONS = 64, MOST_BITMAPS = 65535, LONGEST_NAME = 1023, DEEPEST = 256,
};
static const uint32_t BACKING_FORMAT = 0xe2792aca;

/* One file of a chain. */
struct layer {
	GHashTable *flags;      /* the name of a bitmap -> its flags */
	char *backing;          /* the file it rests on if that can hold bitmaps, else NULL */
	bool lost;              /* its backing file is none of ours to open */
};

static void layer_clear (struct layer *layer)
{
	g_clear_pointer (&layer->flags, g_hash_table_unref);
	g_clear_pointer (&layer->backing, g_free);
}

/* The text of LEN bytes that is AT; it is the caller's. */
static char *text_at (int fd, uint64_t at, size_t len)
{
	g_autofree char *text = g_malloc0 (len + 1);

	return bytes_read (fd, at, text, len) ? g_steal_pointer (&text) : NULL;
}

/* The entry at *AT; go on to the next one. */
static bool read_bitmap (int fd, uint64_t *at, struct layer *layer)
{
	unsigned char entry[ENTRY];
	uint64_t len, extra;
	char *name;

	if (!bytes_read (fd, *at, entry, sizeof entry))
		return false;
	len = bytes_number (entry + NAME_LENGTH, 2);
	extra = bytes_number (entry + EXTRA_LENGTH, 4);
	name = len <= LONGEST_NAME ? text_at (fd, *at + ENTRY + extra, len) : NULL;
	if (!name)
		return false;
	g_hash_table_insert (layer->flags, name, GUINT_TO_POINTER (bytes_number (entry + FLAGS, 4)));
	*at = (*at + ENTRY + extra + len + 7) & ~UINT64_C (7);
	return true;
}

static bool read_bitmaps (int fd, uint64_t at, struct layer *layer)
{
	unsigned char extension[BITMAPS_LENGTH];
	uint64_t n, entry;
	bool whole = bytes_read (fd, at, extension, sizeof extension);

	n = whole ? bytes_number (extension, 4) : 0;
	entry = whole ? bytes_number (extension + DIRECTORY, 8) : 0;
	for (uint64_t i = 0; whole && i < n; i++)
		whole = n <= MOST_BITMAPS && entry < INT64_MAX / 2 && read_bitmap (fd, &entry, layer);
	return whole;
}

/* A file named without a protocol, beside the image if it is no absolute path. */
static void find_backing (struct layer *layer, const char *file, const char *name, const char *format)
{
	g_autofree char *above = g_path_get_dirname (file);
	const char *colon = strchr (name, ':'), *slash = strchr (name, '/');

	if (*name == '\0' || (format && strcmp (format, "qcow2") != 0))
		return;
	layer->lost = colon && (!slash || colon < slash);
	if (!layer->lost)
		layer->backing = *name == '/' ? g_strdup (name) : g_build_filename (above, name, NULL);
}

static bool read_extensions (int fd, const unsigned char *header, struct layer *layer, char **format)
{
	uint64_t at = bytes_number (header + HEADER_LENGTH, 4);
	bool counts = bytes_number (header + AUTOCLEAR, 8) & 1;

	for (int i = 0; i < MOST_EXTENSIONS; i++) {
		unsigned char head[8];
		uint32_t type, len;

		if (!bytes_read (fd, at, head, sizeof head))
			return false;
		type = bytes_number (head, 4);
		len = bytes_number (head + 4, 4);
		if (type == NO_EXTENSION)
			return true;
		if (type == BITMAPS && counts && !read_bitmaps (fd, at + sizeof head, layer))
			return false;
		if (type == BACKING_FORMAT && !*format && len <= LONGEST_NAME)
			*format = text_at (fd, at + sizeof head, len);
		at += sizeof head + ((len + UINT64_C (7)) & ~UINT64_C (7));
	}
	return false;
}

/* Version 2 of the format ends its header earlier, and has no bitmaps. */
static bool read_layer (int fd, const char *file, struct layer *layer)
{
	unsigned char header[HEADER];
	g_autofree char *format = NULL, *name = NULL;
	uint64_t len;

	if (!bytes_read (fd, 0, header, sizeof header) || memcmp (header, "QFI\xfb", 4) != 0)
		return true;
	len = bytes_number (header + BACKING_LENGTH, 4);
	if (bytes_number (header + VERSION, 4) >= 3 && !read_extensions (fd, header, layer, &format))
		return false;
	name = len <= LONGEST_NAME ? text_at (fd, bytes_number (header + BACKING, 8), len) : NULL;
	if (name)
		find_backing (layer, file, name, format);
	return name != NULL;
}

/* What is no qcow2 file holds no bitmaps, and rests on nothing.  False: it cannot be read. */
static bool layer_read (const char *file, struct layer *layer)
{
	int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool whole;

	*layer = (struct layer) { .flags = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
	if (fd < 0)
		return false;
	whole = read_layer (fd, file, layer);
	close (fd);
	return whole;
}

/* Call LOOK for each file of the chain from FILE down.  False: one cannot be read. */
static bool walk (const char *file, void (*look) (const char *file, const struct layer *, void *arg), void *arg)
{
	g_autofree char *at = g_strdup (file);
	bool whole = true;

	for (int depth = 0; whole && at && depth < DEEPEST; depth++) {
		struct layer layer;

		whole = layer_read (at, &layer);
		if (whole)
			look (at, &layer, arg);
		whole &= !layer.lost;
		g_free (at);
		at = g_steal_pointer (&layer.backing);
		layer_clear (&layer);
	}
	return whole;
}

struct judged {
	const char *name;
	bool broken, begun, over;
};

static void judge (const char *file, const struct layer *layer, void *arg)
{
	struct judged *judged = arg;
	gpointer flags = NULL;
	bool there = g_hash_table_lookup_extended (layer->flags, judged->name, NULL, &flags);

	(void) file;
	judged->over |= !there;
	judged->begun |= there && !judged->over;
	judged->broken |= there && (judged->over || (GPOINTER_TO_UINT (flags) & (IN_USE | AUTO)) != AUTO);
}

enum bitmap qemu_bitmap (const char *file, const char *name)
{
	struct judged judged = { .name = name };

	if (!walk (file, judge, &judged))
		return BITMAP_UNKNOWN;
	if (!judged.begun)
		return BITMAP_MISSING;
	return judged.broken ? BITMAP_INCONSISTENT : BITMAP_OK;
}

struct found {
	const char *name;
	GPtrArray *files;
};

static void collect (const char *file, const struct layer *layer, void *arg)
{
	struct found *found = arg;

	if (g_hash_table_contains (layer->flags, found->name))
		g_ptr_array_add (found->files, g_strdup (file));
}

GPtrArray *qemu_bitmap_files (const char *file, const char *name)
{
	struct found found = { name, g_ptr_array_new_with_free_func (g_free) };

	walk (file, collect, &found);
	return found.files;
}

GPtrArray *qemu_bitmap_names (const char *file)
{
	GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
	struct layer layer;
	GHashTableIter iter;
	gpointer name;

	layer_read (file, &layer);
	g_hash_table_iter_init (&iter, layer.flags);
	while (g_hash_table_iter_next (&iter, &name, NULL))
		g_ptr_array_add (names, g_strdup (name));
	layer_clear (&layer);
	return names;
}
