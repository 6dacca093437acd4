/* qemu-tags.c - what qemu-img puts into an image is found there, and broken images break nothing */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <cmocka.h>

#include "qemu-tags.h"

static char *image;

static void run (const char *words, const char *tag)
{
	g_autofree char *command = g_strdup_printf (words, tag, image);

	assert_int_equal (system (command), 0);
}

static void write_file (const char *file, const char *bytes, size_t len)
{
	assert_true (g_file_set_contents_full (file, bytes, len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static int make_image (void **state)
{
	(void) state;
	if (system ("qemu-img --version > /dev/null 2>&1") != 0)
		return -1;
	image = g_build_filename (g_get_tmp_dir (), "tags-XXXXXX", NULL);
	close (g_mkstemp (image));
	run ("qemu-img create -q -f qcow2%s '%s' 8M", "");
	return 0;
}

static int remove_image (void **state)
{
	(void) state;
	g_unlink (image);
	g_free (image);
	return 0;
}

static void each_tag_is_counted (void **state)
{
	struct fault f;

	(void) state;
	assert_int_equal (qemu_tags_count (image, "one", &f), 0);
	run ("qemu-img snapshot -c '%s' '%s'", "one");
	run ("qemu-img snapshot -c '%s' '%s'", "two words and \303\274");
	run ("qemu-img snapshot -c '%s' '%s'", "twice");
	run ("qemu-img snapshot -c '%s' '%s'", "twice");
	assert_int_equal (qemu_tags_count (image, "one", &f), 1);
	assert_int_equal (qemu_tags_count (image, "two words and \303\274", &f), 1);
	assert_int_equal (qemu_tags_count (image, "twice", &f), 2);
	assert_int_equal (qemu_tags_count (image, "twic", &f), 0);
	run ("qemu-img snapshot -d '%s' '%s'", "one");
	assert_int_equal (qemu_tags_count (image, "one", &f), 0);
	assert_int_equal (qemu_tags_count (image, "twice", &f), 2);
}

static void what_is_no_image_is_said_to_be_none (void **state)
{
	g_autofree char *other = g_strconcat (image, ".raw", NULL), *said = g_strdup_printf ("%s is no whole qcow2 image", other);
	struct fault f;

	(void) state;
	assert_int_equal (qemu_tags_count (other, "one", &f), -EIO);
	assert_non_null (strstr (f.text, "No such file or directory"));
	write_file (other, "QFI", 3);
	assert_int_equal (qemu_tags_count (other, "one", &f), -EIO);
	assert_string_equal (f.text, said);
	g_unlink (other);
}

/* Its length, its header or its table changed at random: an answer or EIO, but no more. */
static void a_broken_image_breaks_nothing (void **state)
{
	g_autofree char *other = g_strconcat (image, ".broken", NULL), *bytes = NULL;
	struct fault f;
	size_t len;

	(void) state;
	assert_true (g_file_get_contents (image, &bytes, &len, NULL));
	for (int i = 0; i < 2000; i++) {
		size_t at = i % 2 ? (size_t) g_random_int_range (0, 104) : (size_t) g_random_int_range (0, len);
		char was = bytes[at];

		bytes[at] = g_random_int ();
		write_file (other, bytes, i % 3 ? len : (size_t) g_random_int_range (0, len));
		assert_true (qemu_tags_count (other, "twice", &f) >= -EIO);
		bytes[at] = was;
	}
	g_unlink (other);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (each_tag_is_counted),
		cmocka_unit_test (what_is_no_image_is_said_to_be_none),
		cmocka_unit_test (a_broken_image_breaks_nothing),
	};

	return cmocka_run_group_tests (tests, make_image, remove_image);
}
