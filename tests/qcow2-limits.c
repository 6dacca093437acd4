/* However large a disk is, and however many its extents: the file is known in little memory, and read at once. */

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "clusters.h"
#include "fault.h"
#include "model.h"
#include "qcow2.h"

static const uint64_t KIB = 1 << 10, GIB = 1 << 30, TIB = 1ull << 40;

/* Every other stretch of that width has data, and of each three one is dirty.  Each word of the disk is
 * the number of its first byte. */
struct stripes {
	struct image image;
	uint64_t width;
	int fails;              /* its map cannot be asked for */
	uint64_t last;          /* the last byte that was read */
};

static void stripes_read (struct image *image, struct image_read *read)
{
	struct stripes *stripes = (struct stripes *) image;

	stripes->last = MAX (stripes->last, read->offset + read->len - 1);
	memset (read->into, 0, read->len);
	for (uint64_t at = (read->offset + 7) / 8 * 8; at + 8 <= read->offset + read->len; at += 8)
		memcpy ((char *) read->into + (at - read->offset), &(uint64_t) { GUINT64_TO_BE (at) }, 8);
	image_done (image, read, 0);
}

static int stripes_extent (struct image *image, uint64_t at, struct extent *e, struct fault *f)
{
	const struct stripes *stripes = (struct stripes *) image;
	uint64_t n = at / stripes->width;

	if (stripes->fails)
		return fault (f, EIO, "no map");
	*e = (struct extent) { MIN ((n + 1) * stripes->width, image->size) - at, n % 2 == 0, n % 3 == 0 };
	return 0;
}

static void stripes_close (struct image *image)
{
	g_free (image);
}

static const struct image_ops stripes_ops = { .read = stripes_read, .extent = stripes_extent, .close = stripes_close };

static struct stripes *stripes_new (uint64_t size, uint64_t width)
{
	struct stripes *stripes = g_new (struct stripes, 1);

	*stripes = (struct stripes) { .image = { .ops = &stripes_ops, .size = size, .refs = 1 }, .width = width };
	return stripes;
}

static struct image *qcow2_of (struct image *raw, const char *backing)
{
	struct image *image = NULL;
	struct fault f = { 0 };
	int r = qcow2_image (raw, backing, &image, &f);

	assert_string_equal (f.text, "");
	assert_int_equal (r, 0);
	return image;
}

static int told;

static void on_done (struct image_read *read, int err)
{
	(void) read;
	told = err;
}

static int read_at (struct image *image, uint64_t at, size_t len, void *into)
{
	struct image_read read = { at, len, into, on_done };

	told = -1;
	image_read (image, &read);
	assert_true (told >= 0);
	return told;
}

static uint64_t entry (struct image *image, uint64_t at)
{
	uint64_t v;

	assert_int_equal (read_at (image, at, sizeof v, &v), 0);
	return GUINT64_FROM_BE (v);
}

static double seconds (void)
{
	return (double) clock () / CLOCKS_PER_SEC;
}

static size_t memory (const struct clusters *c)
{
	return malloc_usable_size (c->tables->data) + malloc_usable_size (c->edges->data);
}

static void millions_of_extents_take_as_much_memory_as_documented (void **unused)
{
	static const struct { uint64_t size, width; } table[] = {
		{ 64ull << 40, 65536 * 250 },           /* 4 million */
		{ 64ull << 40, 65536 * 250 + 512 },     /* of which each shares its clusters */
		{ 1ull << 38, 65536 },
		{ 1ull << 38, 100000 },
		{ 64ull << 40, 64ull << 40 },
	};

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++)
		for (int backed = 0; backed < 2; backed++) {
			struct stripes *stripes = stripes_new (table[i].size, table[i].width);
			uint64_t n = table[i].size / table[i].width + 1;
			struct clusters clusters;
			struct fault f;

			assert_int_equal (clusters_init (&clusters, &stripes->image, backed, &f), 0);
			assert_true (clusters.data > 0 && clusters.tables->len <= table[i].size / (512 << 20));
			assert_true (memory (&clusters) <= 8 * n + 40 * clusters.tables->len + 1000);
			clusters_free (&clusters);
			image_unref (&stripes->image);
		}
	assert_true (seconds () < 60);
}

/* Were each to look at all the tables before it, these would take minutes. */
static void any_part_of_a_huge_file_is_read_at_once (void **unused)
{
	struct image *image = qcow2_of (&stripes_new (64 * TIB, 65536 * 250)->image, "base.qcow2");
	g_autofree char *bytes = g_malloc (65536);
	double begin = seconds ();
	uint64_t x = 1;

	(void) unused;
	for (int i = 0; i < 4000; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		assert_int_equal (read_at (image, x % (image->size - 65536), 65536, bytes), 0);
		assert_int_equal (read_at (image, x % (9 * GIB), 65536, bytes), 0);
	}
	assert_true (seconds () - begin < 20);
	image_unref (image);
}

/* Where in the file is cluster N of the disk? */
static uint64_t place_of (struct image *image, uint64_t l1, uint64_t n)
{
	uint64_t table = entry (image, l1 + n / 8192 * 8) & ~(1ull << 63);

	return entry (image, table + n % 8192 * 8) & ~(1ull << 63);
}

/* 64 TiB of data: the L1 table has 16 clusters, and that of the refcounts five. */
static void the_largest_disk_is_all_there (void **unused)
{
	struct stripes *stripes = stripes_new (64 * TIB, 64 * TIB);
	struct image *image = qcow2_of (&stripes->image, NULL);
	uint64_t l1 = entry (image, 40), refs = entry (image, 48), last = 0, x = 1;

	(void) unused;
	assert_true (entry (image, 24) == 64 * TIB && refs == 65536);
	assert_int_equal (entry (image, 56) >> 32, 5);
	for (int i = 0; i < 3000; i++) {
		uint64_t n = i < 3 ? (1ull << 30) - 1 - i : (x = x * 6364136223846793005 + 1) >> 34;
		uint64_t place = place_of (image, l1, n), counts = entry (image, refs + place / 65536 / 32768 * 8);

		assert_int_equal (entry (image, place + 8 * (n % 8000)), n * 65536 + 8 * (n % 8000));
		assert_int_equal (entry (image, counts + place / 65536 % 32768 * 2) >> 48, 1);
		assert_true (n == 0 || place_of (image, l1, n - 1) == place - 65536);
		last = MAX (last, place);
	}
	assert_int_equal (last, image->size - 65536);
	image_unref (image);
}

static void what_is_too_large_for_qemu_is_refused (void **unused)
{
	struct stripes *most = stripes_new (2048 * TIB, 2048 * TIB), *more = stripes_new (2048 * TIB + 1, 2048 * TIB);
	struct image *image;
	struct fault f;
	uint64_t size;

	(void) unused;
	assert_int_equal (qcow2_size (&most->image, false, &size, &f), 0);
	assert_int_equal (qcow2_size (&more->image, false, &size, &f), -EFBIG);
	assert_string_equal (f.text, "a qcow2 file holds no disk of over 2 PiB: take the raw one");
	image_unref (&most->image);
	assert_int_equal (qcow2_image (&more->image, NULL, &image, &f), -EFBIG);
}

static void without_a_map_there_is_no_file (void **unused)
{
	struct stripes *stripes = stripes_new (GIB, 65536);
	struct image *image;
	struct fault f;
	uint64_t size;

	(void) unused;
	stripes->fails = true;
	assert_int_equal (qcow2_size (&stripes->image, true, &size, &f), -EIO);
	assert_int_equal (qcow2_image (&stripes->image, "base.qcow2", &image, &f), -EIO);
	assert_string_equal (f.text, "no map");
}

/* The tables are known without asking anybody, and yet would lead to another time's data. */
static void once_the_disk_has_ended_its_tables_are_EIO_too (void **unused)
{
	struct model *model = model_new (GIB);
	struct image *image;
	char bytes[512], data[1024];

	(void) unused;
	model_paint (model, 0, KIB, (struct painted) { .generation = 1, .data = true, .dirty = true });
	image = qcow2_of (&model->image, "base.qcow2");
	model->late = true;
	image_read (image, &(struct image_read) { image->size - 65536, 1024, data, on_done });
	assert_int_equal (read_at (image, 0, 512, bytes), 0);
	told = -1;
	image_end (&model->image);
	model_answer (model);
	assert_int_equal (told, EIO);
	model->late = false;
	assert_int_equal (read_at (image, 0, 512, bytes), EIO);
	assert_int_equal (read_at (image, 65536, 512, bytes), EIO);
	assert_int_equal (read_at (image, image->size - 512, 512, bytes), EIO);
	image_unref (image);
}

/* Whoever ends a backup without a word is found out by who reads the last data of the disk. */
static void the_end_of_the_file_comes_with_the_last_data_of_the_disk (void **unused)
{
	struct stripes *stripes = stripes_new (10 * KIB * KIB, KIB * KIB);      /* dirty data: only at 0 and 6 MiB */
	struct image *image = qcow2_of (&stripes->image, "base.qcow2");
	char bytes[512];

	(void) unused;
	assert_int_equal (read_at (image, image->size - 1024, 512, bytes), 0);
	assert_int_equal (stripes->last, 7 * KIB * KIB - 513);
	assert_int_equal (read_at (image, image->size - 512, 512, bytes), 0);
	assert_int_equal (stripes->last, 9 * KIB * KIB - 1);
	image_unref (image);
}

/* The header, 16 bytes of L1 table, an entry of each of two L2 tables, and the disk: it ends in its last cluster. */
static void neither_refcounts_nor_padding_are_needed (void **unused)
{
	static const struct { uint64_t len; bool data; } should[] = {
		{ 104, true }, { 3 * 65536 - 104, false }, { 16, true }, { 65520, false },
		{ 16, true }, { 65520, false }, { 8, true }, { 65528, false }, { 66000, true }, { 65072, false },
	};
	uint64_t size = 512 * KIB * KIB + 464, at = 0;
	struct model *model = model_new (size);
	struct image *image;
	struct extent e;
	struct fault f;

	(void) unused;
	model_paint (model, 0, 100, (struct painted) { .dirty = true, .data = true, .generation = 1 });
	model_paint (model, 65536, 131072, (struct painted) { .dirty = true });
	model_paint (model, size - 64, size - 32, (struct painted) { .dirty = true, .data = true, .generation = 1 });
	image = qcow2_of (&model->image, "base.qcow2");
	for (size_t i = 0; i < G_N_ELEMENTS (should); i++, at += e.len) {
		assert_int_equal (image_needed (image, at, &e, &f), 0);
		assert_int_equal (e.len, should[i].len);
		assert_int_equal (e.data, should[i].data);
	}
	assert_int_equal (at, image->size);
	image_unref (image);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (millions_of_extents_take_as_much_memory_as_documented),
		cmocka_unit_test (any_part_of_a_huge_file_is_read_at_once),
		cmocka_unit_test (the_largest_disk_is_all_there),
		cmocka_unit_test (what_is_too_large_for_qemu_is_refused),
		cmocka_unit_test (without_a_map_there_is_no_file),
		cmocka_unit_test (once_the_disk_has_ended_its_tables_are_EIO_too),
		cmocka_unit_test (the_end_of_the_file_comes_with_the_last_data_of_the_disk),
		cmocka_unit_test (neither_refcounts_nor_padding_are_needed),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
