/* What is dirty is what the bitmap says, or there is no image. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <glib.h>

#include "liar.h"
#include "nbd.h"
#include "server.h"

enum { KIB = 1024 };

static struct image *image_of (const char *bitmap)
{
	struct image *image = NULL;
	struct fault f = { 0 };
	int r = nbd_image (at, "", bitmap, NULL, &image, &f);

	assert_string_equal (f.text, "");
	assert_int_equal (r, 0);
	return image;
}

/* How far does IMAGE stay as it is AT? */
static uint64_t stays (struct image *image, uint64_t from, bool data, bool dirty)
{
	struct extent e;
	struct fault f;

	assert_int_equal (image_extent (image, from, &e, &f), 0);
	assert_int_equal (e.data, data);
	assert_int_equal (e.dirty, dirty);
	return from + e.len;
}

static void sh (const char *format)
{
	g_autofree char *command = g_strdup_printf (format, qcow2);

	assert_int_equal (system (command), 0);
}

/* The disk has data up to 4 KiB and from 3 MiB on: see server.c. */
static void what_a_bitmap_says_is_dirty (void **unused)
{
	g_autofree char *words = g_strdup_printf ("qemu-nbd -r -t -e 8 -f qcow2 -B tue -k %s %s", at, qcow2);
	struct image *image;
	struct fault f;

	(void) unused;
	sh ("qemu-img bitmap --add %s tue");
	sh ("qemu-io -c 'write 64k 64k' -c 'write -z 3M 128k' -c 'write 10M 4k' %s > /dev/null");
	server_start (words);
	image = image_of ("tue");
	assert_int_equal (stays (image, 64 * KIB, true, true), 128 * KIB);
	assert_int_equal (stays (image, 128 * KIB, false, false), 3 * MIB);
	assert_int_equal (stays (image, 3 * MIB, false, true), 3 * MIB + 128 * KIB);
	assert_int_equal (stays (image, 3 * MIB + 128 * KIB, true, false), 3 * MIB + 1216 * KIB);
	assert_int_equal (stays (image, 40 * MIB, true, false), 80 * MIB);
	assert_true (image->allocated > 40 * MIB && image->allocated < 43 * MIB);
	image_unref (image);
	image = image_of (NULL);
	assert_int_equal (stays (image, 40 * MIB, true, true), 80 * MIB);
	image_unref (image);
	assert_int_equal (nbd_image (at, "", "wed", NULL, &image, &f), -EIO);
	assert_string_equal (f.text, "the NBD server does not tell what is dirty in : it has no qemu:dirty-bitmap:wed");
}

static const char tue[] = "qemu:dirty-bitmap:tue";

static void a_server_that_lies_of_it_is_not_believed (void **unused)
{
	static const char none[] = "the NBD server does not tell what is dirty in vda: it has no qemu:dirty-bitmap:tue";
	static const char no_map[] = "the NBD server tells no map: Protocol error";
	static const struct {
		struct lies lies;
		const char *sentence;
	} table[] = {
		{ { .bitmap = NULL }, none },
		{ { .bitmap = "qemu:dirty-bitmap:wed", .bitmap_len = MIB, .bitmap_copies = 1, .bitmap_times = 1 }, none },
		{ { .bitmap = tue, .bitmap_len = MIB, .bitmap_copies = 1, .bitmap_times = 0 }, no_map },
		{ { .bitmap = tue, .bitmap_len = MIB, .bitmap_copies = 1, .bitmap_times = 2 }, no_map },
		{ { .bitmap = tue, .bitmap_len = MIB, .bitmap_copies = 0, .bitmap_times = 1 }, NULL },
		{ { .bitmap = tue, .bitmap_len = 0, .bitmap_copies = 3, .bitmap_times = 1 }, no_map },
		{ { .bitmap = tue, .bitmap_len = MIB, .bitmap_copies = 1, .bitmap_times = 1, .bitmap_id = 1 }, no_map },
		{ { .bitmap = tue, .bitmap_len = MIB, .bitmap_copies = 1, .bitmap_times = 1, .bitmap_id = 7 }, NULL },
	};

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
		struct lies lies = table[i].lies;
		struct image *image;
		struct fault f;

		lies.size = lies.status_len = 4 * MIB;
		lies.status_copies = 1;
		liar_begin (at, &lies);
		assert_int_equal (nbd_image (at, "vda", "tue", NULL, &image, &f), -EIO);
		if (table[i].sentence)
			assert_string_equal (f.text, table[i].sentence);
		liar_end ();
	}
}

/* Each map may come first, end before the other, go on behind the end of the disk, and be told again. */
static void the_maps_need_not_end_together (void **unused)
{
	static const struct { uint32_t status_len, status_copies, bitmap_len, bitmap_copies; int first; } table[] = {
		{ MIB,     4,  MIB,       4,   false }, { MIB,     4,   MIB,       4,   true },
		{ 4 * MIB, 1,  4096,      1,   false }, { 4 * MIB, 1,   4096,      1,   true },
		{ 4096,    1,  MIB,       1,   false }, { 4096,    1,   MIB,       1,   true },
		{ 4096,    3,  700 * KIB, 9,   false }, { 1 << 31, 7,   1 << 30,   5,   true },
		{ 12345,   17, 54321,     19,  true  }, { 1,       999, 65536,     999, false },
	};

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
		const uint32_t len = table[i].bitmap_len, size = 3 * MIB + 512;
		const struct lies lies = { .size = size, .bitmap = tue, .bitmap_times = 1, .bitmap_first = table[i].first,
					   .status_len = table[i].status_len, .status_copies = table[i].status_copies,
					   .bitmap_len = len, .bitmap_copies = table[i].bitmap_copies };
		struct image *image;

		liar_begin (at, &lies);
		image = image_of ("tue");
		for (uint64_t from = 0; from < size; from += MIN (len, size - from))
			assert_int_equal (stays (image, from, true, from / len % 2 == 0), MIN (from + len, size));
		image_unref (image);
		liar_end ();
	}
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown (what_a_bitmap_says_is_dirty, server_stop),
		cmocka_unit_test (a_server_that_lies_of_it_is_not_believed),
		cmocka_unit_test (the_maps_need_not_end_together),
	};

	return cmocka_run_group_tests (tests, server_make_disks, server_remove_disks);
}
