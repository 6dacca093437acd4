/* qcow2-reader.c - a reader of qcow2 written from its specification, for tests
 *
 * From docs/interop/qcow2.txt of QEMU, and not from our writer: so both would have to be wrong
 * in the same way. */

#include <endian.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qcow2-reader.h"

enum { UNIT = 65536, ENTRIES = UNIT / 8, COUNTS = UNIT / 2 };

static const uint64_t flag_copied = 1ull << 63, flag_zero = 1, offset_bits = 0x00fffffffffffe00;

struct header {
	uint32_t magic, version;
	uint64_t backing_offset;
	uint32_t backing_len, cluster_bits;
	uint64_t size;
	uint32_t crypt, l1_size;
	uint64_t l1_offset, ref_offset;
	uint32_t ref_clusters, snapshots;
	uint64_t snapshots_offset, incompatible, compatible, autoclear;
	uint32_t ref_order, length;
} __attribute__ ((packed));

struct file {
	int fd;
	const struct model *model;
	const char *backing;
	struct header header;
	uint64_t units;         /* clusters of the file */
	uint16_t *used;         /* how often each is */
	uint64_t last;          /* where the last data was */
	char *wrong;
};

static bool complain (struct file *file, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static bool complain (struct file *file, const char *format, ...)
{
	va_list args;

	va_start (args, format);
	if (!file->wrong)
		file->wrong = g_strdup_vprintf (format, args);
	va_end (args);
	return false;
}

static bool get (struct file *file, uint64_t at, void *into, size_t len)
{
	return pread (file->fd, into, len, at) == (ssize_t) len ||
	       complain (file, "the file ends before %" PRIu64, at + len);
}

/* The cluster at AT is used once more. */
static bool use (struct file *file, uint64_t at)
{
	if (at % UNIT || at / UNIT >= file->units)
		return complain (file, "a part at %" PRIu64, at);
	file->used[at / UNIT]++;
	return true;
}

static bool use_all (struct file *file, uint64_t at, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!use (file, at + i * UNIT))
			return false;
	return true;
}

static bool read_backing (struct file *file)
{
	const struct header *h = &file->header;
	char name[1024] = "";
	uint32_t extension[2] = { 0 };
	char format[8] = "";
	bool plain;

	if (!file->backing)
		return be64toh (h->backing_offset) == 0 || complain (file, "a backing file");
	if (be32toh (h->backing_len) > 1023 || be64toh (h->backing_offset) + be32toh (h->backing_len) > UNIT ||
	    !get (file, be64toh (h->backing_offset), name, be32toh (h->backing_len)) ||
	    !get (file, be32toh (h->length), extension, 8) || !get (file, be32toh (h->length) + 8, format, 8))
		return complain (file, "no name of the backing file");
	plain = strcmp (name, file->backing) == 0;
	if (!plain && (strncmp (name, "./", 2) != 0 || strcmp (name + 2, file->backing) != 0))
		return complain (file, "the backing file %s", name);
	if (plain && strchr (name, ':'))
		return complain (file, "%s is a protocol", name);
	if (be32toh (extension[0]) != 0xe2792aca || be32toh (extension[1]) != 5 || memcmp (format, "qcow2\0\0", 8) != 0)
		return complain (file, "the backing file's format %s", format);
	return true;
}

static bool read_header (struct file *file)
{
	struct header *h = &file->header;
	uint64_t size = (file->model->image.size + 511) / 512 * 512;

	if (!get (file, 0, h, sizeof *h))
		return false;
	if (be32toh (h->magic) != 0x514649fb || be32toh (h->version) != 3 || be32toh (h->cluster_bits) != 16 ||
	    h->crypt || h->snapshots || h->incompatible || h->compatible || h->autoclear ||
	    be32toh (h->ref_order) != 4 || be32toh (h->length) < 104 || be32toh (h->length) % 8)
		return complain (file, "the header");
	if (be64toh (h->size) != size || (uint64_t) be32toh (h->l1_size) * ENTRIES * UNIT < size)
		return complain (file, "a size of %" PRIu64 ", and %u L2 tables", be64toh (h->size), be32toh (h->l1_size));
	return read_backing (file) && use (file, 0) &&
	       use_all (file, be64toh (h->l1_offset), (be32toh (h->l1_size) + ENTRIES - 1ull) / ENTRIES) &&
	       use_all (file, be64toh (h->ref_offset), be32toh (h->ref_clusters));
}

/* What is in FROM to TO of the disk? */
static void look (const struct model *model, uint64_t from, uint64_t to, bool *data, bool *dirty)
{
	*data = *dirty = false;
	for (guint i = model_find (model, from); i < model->painted->len; i++) {
		const struct painted *painted = &g_array_index (model->painted, struct painted, i);

		*data |= painted->data;
		*dirty |= painted->dirty;
		if (painted->end >= to)
			break;
	}
}

static bool check_data (struct file *file, uint64_t guest, uint64_t at)
{
	char is[UNIT], should[UNIT];

	if (at <= file->last)
		return complain (file, "the data of %" PRIu64 " is not behind what is before it", guest);
	file->last = at;
	model_bytes (file->model, guest, UNIT, should);
	if (!use (file, at) || !get (file, at, is, UNIT))
		return false;
	return memcmp (is, should, UNIT) == 0 || complain (file, "wrong data at %" PRIu64, guest);
}

static bool check_cluster (struct file *file, uint64_t guest, uint64_t entry)
{
	bool data, dirty, wanted;

	look (file->model, guest, guest + UNIT, &data, &dirty);
	wanted = file->backing ? dirty : data;
	if (guest >= file->model->image.size ? entry != 0 : !!entry != wanted)
		return complain (file, "%" PRIu64 " is %s", guest, entry ? "there" : "not there");
	if (!entry)
		return true;
	if (entry == flag_zero)
		return !data || complain (file, "%" PRIu64 " is no hole", guest);
	if (!data || (entry & ~offset_bits) != flag_copied)
		return complain (file, "the entry %" PRIx64 " of %" PRIu64, entry, guest);
	return check_data (file, guest, entry & offset_bits);
}

static bool check_table (struct file *file, uint64_t slot, uint64_t entry)
{
	uint64_t table[ENTRIES], base = slot * ENTRIES * UNIT;
	bool data = false, dirty = false;

	if (!entry) {
		if (base < file->model->image.size)
			look (file->model, base, base + (uint64_t) ENTRIES * UNIT, &data, &dirty);
		return !(file->backing ? dirty : data) || complain (file, "no L2 table for %" PRIu64, base);
	}
	if ((entry & ~offset_bits) != flag_copied || !use (file, entry & offset_bits) ||
	    !get (file, entry & offset_bits, table, UNIT))
		return complain (file, "the L1 entry %" PRIx64 " of %" PRIu64, entry, base);
	for (uint64_t i = 0; i < ENTRIES; i++)
		if (!check_cluster (file, base + i * UNIT, be64toh (table[i])))
			return false;
	return true;
}

static bool check_tables (struct file *file)
{
	uint64_t n = be32toh (file->header.l1_size);
	g_autofree uint64_t *l1 = g_new0 (uint64_t, n + 1);

	if (!get (file, be64toh (file->header.l1_offset), l1, n * 8))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!check_table (file, i, be64toh (l1[i])))
			return false;
	return true;
}

static bool check_block (struct file *file, uint64_t part, const uint16_t *counts)
{
	for (uint64_t i = 0; i < COUNTS; i++) {
		uint64_t unit = part * COUNTS + i, used = unit < file->units ? file->used[unit] : 0;

		if (be16toh (counts[i]) != used || (unit < file->units && used != 1))
			return complain (file, "cluster %" PRIu64 " of the file is used %" PRIu64 " times, and counted %u",
					 unit, used, be16toh (counts[i]));
	}
	return true;
}

/* The blocks count themselves, so all are found before any is believed. */
static bool check_counts (struct file *file)
{
	uint64_t n = be32toh (file->header.ref_clusters) * (uint64_t) ENTRIES;
	g_autofree uint64_t *blocks = g_new0 (uint64_t, n + 1);
	uint16_t counts[COUNTS];

	if (n * COUNTS < file->units || !get (file, be64toh (file->header.ref_offset), blocks, n * 8))
		return complain (file, "too few refcounts");
	for (uint64_t i = 0; i < n; i++)
		if (blocks[i] && !use (file, be64toh (blocks[i])))
			return false;
	for (uint64_t i = 0; i < n; i++) {
		if (!blocks[i] && i * COUNTS >= file->units)
			continue;
		memset (counts, 0, sizeof counts);
		if ((blocks[i] && !get (file, be64toh (blocks[i]), counts, UNIT)) || !check_block (file, i, counts))
			return false;
	}
	return true;
}

char *qcow2_judge (int fd, const struct model *model, const char *backing)
{
	struct file file = { .fd = fd, .model = model, .backing = backing };
	struct stat st;

	if (fstat (fd, &st) < 0 || st.st_size % UNIT)
		return g_strdup ("half a cluster");
	file.units = st.st_size / UNIT;
	file.used = g_new0 (uint16_t, file.units + 1);
	if (read_header (&file) && check_tables (&file))
		check_counts (&file);
	g_free (file.used);
	return file.wrong;
}
