/* qemu-bitmaps.c - what qemu-img puts into a chain of images is found there, and broken images break nothing */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <cmocka.h>

#include "qemu-bitmaps.h"

static char *dir, *base, *middle, *top;         /* top rests on middle, that on base */

static void run (const char *command)
{
	g_autofree char *there = g_strdup_printf ("cd '%s' && %s", dir, command);

	assert_int_equal (system (there), 0);
}

static int make_images (void **state)
{
	(void) state;
	if (system ("qemu-img --version > /dev/null 2>&1") != 0)
		return -1;
	dir = g_dir_make_tmp ("bitmaps-XXXXXX", NULL);
	base = g_build_filename (dir, "base", NULL);
	middle = g_build_filename (dir, "middle", NULL);
	top = g_build_filename (dir, "top", NULL);
	run ("qemu-img create -q -f qcow2 base 8M");
	run ("qemu-img create -q -f qcow2 -b base -F qcow2 middle");
	run ("qemu-img create -q -f qcow2 -b \"$PWD/middle\" -F qcow2 top");
	return 0;
}

static int remove_images (void **state)
{
	(void) state;
	run ("rm -r \"$PWD\"");
	g_free (dir);
	g_free (base);
	g_free (middle);
	g_free (top);
	return 0;
}

/* What counts is what is in the active layer, and below it without a gap, and has recorded all. */
static void a_bitmap_is_judged_along_its_chain (void **state)
{
	static const struct {
		const char *name, *in;
		enum bitmap is;
		guint files;
	} rows[] = {
		{ "nowhere",  "",                       BITMAP_MISSING,         0 },
		{ "in-top",   "top",                    BITMAP_OK,              1 },
		{ "in-all",   "top middle base",        BITMAP_OK,              3 },
		{ "in-two",   "top middle",             BITMAP_OK,              2 },
		{ "with-gap", "top base",               BITMAP_INCONSISTENT,    2 },
		{ "below",    "middle base",            BITMAP_MISSING,         2 },
		{ "two words and \303\274", "top",      BITMAP_OK,              1 },
	};

	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
		g_autofree char *add = g_strdup_printf ("for f in %s; do qemu-img bitmap --add $f '%s'; done",
							rows[i].in, rows[i].name);
		g_autoptr (GPtrArray) files = NULL;

		run (add);
		files = qemu_bitmap_files (top, rows[i].name);
		assert_int_equal (qemu_bitmap (top, rows[i].name), rows[i].is);
		assert_int_equal (files->len, rows[i].files);
	}
	assert_int_equal (qemu_bitmap (top, "in-to"), BITMAP_MISSING);
	run ("qemu-img bitmap --remove middle in-all");
	assert_int_equal (qemu_bitmap (top, "in-all"), BITMAP_INCONSISTENT);
	run ("qemu-img bitmap --disable middle in-two");
	assert_int_equal (qemu_bitmap (top, "in-two"), BITMAP_INCONSISTENT);
}

static void each_name_in_a_file_is_told (void **state)
{
	g_autoptr (GPtrArray) some = qemu_bitmap_names (base), none = qemu_bitmap_names ("/nowhere");

	(void) state;
	assert_true (g_ptr_array_find_with_equal_func (some, "below", g_str_equal, NULL));
	assert_false (g_ptr_array_find_with_equal_func (some, "in-top", g_str_equal, NULL));
	assert_int_equal (none->len, 0);
}

/* A directory that has not been cleared when somebody wrote who knows no bitmaps is of no worth. */
static void bitmaps_that_others_wrote_past_are_none (void **state)
{
	g_autofree char *past = g_build_filename (dir, "past", NULL);

	(void) state;
	run ("cp top past && printf '\\0\\0\\0\\0\\0\\0\\0\\0' | dd of=past bs=1 seek=88 conv=notrunc 2> /dev/null");
	run ("! qemu-img info -U past | grep -q in-top");
	assert_int_equal (qemu_bitmap (past, "in-top"), BITMAP_MISSING);
}

static void what_cannot_be_looked_at_is_unknown (void **state)
{
	static const struct {
		const char *make;
		enum bitmap is;
	} rows[] = {
		{ "true",                                                       BITMAP_UNKNOWN },
		{ ": > other",                                                  BITMAP_MISSING },
		{ "truncate -s 1M other",                                       BITMAP_MISSING },
		{ "qemu-img create -q -f qcow2 -o compat=0.10 other 1M",        BITMAP_MISSING },
		{ "qemu-img create -q -f qcow2 -u -b gone -F qcow2 other 1M",   BITMAP_UNKNOWN },
		{ "qemu-img create -q -f qcow2 -u -b nbd:unix:/x -F qcow2 other 1M", BITMAP_UNKNOWN },
		{ "qemu-img create -q -f qcow2 -u -b gone -F raw other 1M",     BITMAP_MISSING },
		{ "qemu-img create -q -f qcow2 -u -b ./other -F qcow2 other 1M", BITMAP_MISSING },
	};
	g_autofree char *other = g_build_filename (dir, "other", NULL);

	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
		g_unlink (other);
		run (rows[i].make);
		assert_int_equal (qemu_bitmap (other, "one"), rows[i].is);
	}
}

/* Its length or its bytes changed at random: an answer, but no more. */
static void a_broken_image_breaks_nothing (void **state)
{
	g_autofree char *other = g_build_filename (dir, "broken", NULL), *bytes = NULL;
	size_t len;

	(void) state;
	assert_true (g_file_get_contents (top, &bytes, &len, NULL));
	for (int i = 0; i < 2000; i++) {
		size_t at = i % 2 ? (size_t) g_random_int_range (0, 512) : (size_t) g_random_int_range (0, len);
		g_autoptr (GPtrArray) names = NULL;
		char was = bytes[at];

		bytes[at] = g_random_int ();
		assert_true (g_file_set_contents_full (other, bytes, i % 3 ? len : (size_t) g_random_int_range (0, len),
						       G_FILE_SET_CONTENTS_NONE, 0600, NULL));
		assert_true (qemu_bitmap (other, "in-top") <= BITMAP_UNKNOWN);
		names = qemu_bitmap_names (other);
		assert_true (names->len <= 6);
		bytes[at] = was;
	}
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (a_bitmap_is_judged_along_its_chain),
		cmocka_unit_test (each_name_in_a_file_is_told),
		cmocka_unit_test (bitmaps_that_others_wrote_past_are_none),
		cmocka_unit_test (what_cannot_be_looked_at_is_unknown),
		cmocka_unit_test (a_broken_image_breaks_nothing),
	};

	return cmocka_run_group_tests (tests, make_images, remove_images);
}
