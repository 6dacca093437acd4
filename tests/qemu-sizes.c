/* qemu-sizes.c - the size of a snapshot's disk is read once, and anew when its file has changed */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <cmocka.h>

#include "qemu-sizes.h"

enum { SETTLED_US = 2100000 };
static const uint64_t mib = 1024 * 1024;
static char *image;

static void run (const char *words)
{
	g_autofree char *command = g_strdup_printf (words, image);

	assert_int_equal (system (command), 0);
}

static int make_image (void **state)
{
	(void) state;
	image = g_build_filename (g_get_tmp_dir (), "sizes-XXXXXX", NULL);
	close (g_mkstemp (image));
	run ("qemu-img create -q -f qcow2 '%s' 8M");
	run ("qemu-img snapshot -c one '%s'");
	run ("qemu-img resize -q -f qcow2 '%s' 9M");
	run ("qemu-img snapshot -c two '%s'");
	return 0;
}

static int remove_image (void **state)
{
	(void) state;
	g_unlink (image);
	g_free (image);
	return 0;
}

static uint64_t size_of (const char *tag)
{
	struct qemu_frozen what = { image, "qcow2", tag };
	struct fault f;
	uint64_t bytes = 0;

	assert_int_equal (qemu_frozen_size (&what, &bytes, &f), 0);
	return bytes;
}

/* How often this process has read anything. */
static unsigned long reads (void)
{
	g_autofree char *io = NULL;
	const char *line;

	assert_true (g_file_get_contents ("/proc/self/io", &io, NULL, NULL));
	line = strstr (io, "syscr: ");
	assert_non_null (line);
	return strtoul (line + strlen ("syscr: "), NULL, 10);
}

static unsigned long reads_of_a_thousand (const char *tag, uint64_t bytes)
{
	unsigned long before = reads ();

	for (int i = 0; i < 1000; i++)
		assert_int_equal (size_of (tag), bytes);
	return reads () - before;
}

static void what_does_not_change_is_read_once (void **state)
{
	(void) state;
	g_usleep (SETTLED_US);
	assert_int_equal (size_of ("one"), 8 * mib);
	assert_int_equal (size_of ("two"), 9 * mib);
	assert_in_range (reads_of_a_thousand ("one", 8 * mib), 0, 10);
	assert_in_range (reads_of_a_thousand ("two", 9 * mib), 0, 10);
	assert_in_range (reads_of_a_thousand (NULL, 9 * mib), 0, 20);
}

static void what_has_changed_is_read_anew (void **state)
{
	(void) state;
	g_usleep (SETTLED_US);
	assert_int_equal (size_of ("one"), 8 * mib);
	run ("qemu-img snapshot -d one '%s'");
	run ("qemu-img snapshot -c one '%s'");
	assert_int_equal (size_of ("one"), 9 * mib);
}

/* Two changes may have the same time. */
static void what_has_just_changed_is_not_kept (void **state)
{
	(void) state;
	run ("qemu-img snapshot -c three '%s'");
	assert_in_range (reads_of_a_thousand ("three", 9 * mib), 1000, G_MAXULONG);
}

static void what_is_gone_is_not_kept (void **state)
{
	struct qemu_frozen what = { image, "qcow2", "two" };
	struct fault f;
	uint64_t bytes;

	(void) state;
	g_usleep (SETTLED_US);
	assert_int_equal (size_of ("two"), 9 * mib);
	run ("qemu-img snapshot -d two '%s'");
	assert_int_equal (qemu_frozen_size (&what, &bytes, &f), -ENOENT);
}

/* However many there are, memory is bounded: then it is begun anew. */
static void a_great_many_are_not_kept_for_ever (void **state)
{
	struct stat st = { .st_mode = S_IFREG, .st_ctim = { .tv_sec = 1 } };
	struct qemu_frozen what = { image, "qcow2", "one" };
	uint64_t bytes, kept = 0;

	(void) state;
	for (st.st_ino = 0; st.st_ino < 100000; st.st_ino++)
		qemu_sizes_keep (&what, &st, st.st_ino);
	for (st.st_ino = 0; st.st_ino < 100000; st.st_ino++)
		if (qemu_sizes_find (&what, &st, &bytes)) {
			assert_int_equal (bytes, st.st_ino);
			kept++;
		}
	assert_in_range (kept, 1, 20000);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (what_does_not_change_is_read_once),
		cmocka_unit_test (what_has_changed_is_read_anew),
		cmocka_unit_test (what_has_just_changed_is_not_kept),
		cmocka_unit_test (what_is_gone_is_not_kept),
		cmocka_unit_test (a_great_many_are_not_kept_for_ever),
	};

	return cmocka_run_group_tests (tests, make_image, remove_image);
}
