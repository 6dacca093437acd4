/* Any stretch of an image is found, however many there are, and none takes more memory than it may. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "extents.h"

static void each_byte_is_what_was_added (void **unused)
{
	static const struct { uint64_t len; bool data; } added[] = {
		{ 3, false }, { 4, true }, { 2, true }, { 0, false }, { 1, false }, { 5, false }, { 1, true },
	};
	static const char image[] = "...xxxxxx......x";
	struct extents extents;

	(void) unused;
	extents_init (&extents);
	for (size_t i = 0; i < G_N_ELEMENTS (added); i++)
		extents_add (&extents, added[i].len, added[i].data);
	assert_int_equal (extents.len, strlen (image));
	assert_int_equal (extents.data, 7);
	assert_int_equal (extents.data_end, 16);
	for (size_t at = 0; image[at]; at++) {
		struct extent e;

		extents_at (&extents, &extents, at, &e);
		assert_int_equal (e.data, image[at] == 'x');
		assert_int_equal (e.len, strspn (image + at, e.data ? "x" : "."));
	}
	extents_free (&extents);
}

static void an_image_that_ends_in_a_hole_has_its_data_before (void **unused)
{
	struct extents extents;

	(void) unused;
	extents_init (&extents);
	assert_int_equal (extents.data_end, 0);
	extents_add (&extents, 1ull << 40, true);
	extents_add (&extents, 1ull << 50, false);
	assert_true (extents.data_end == 1ull << 40 && extents.data == 1ull << 40);
	assert_true (extents.len == (1ull << 40) + (1ull << 50));
	extents_free (&extents);
}

/* Where a server tells of a million times a million stretches, the later holes are data, which is no lie. */
static void there_is_a_limit_to_what_is_kept (void **unused)
{
	struct extents extents;
	struct extent e;

	(void) unused;
	extents_init (&extents);
	for (int i = 0; i < 6000000; i++)
		extents_add (&extents, 512, i % 2 == 0);
	assert_true (extents.edges->len < 5000000);
	extents_at (&extents, &extents, 512 * 1000001ull, &e);
	assert_true (!e.data && e.len == 512);
	extents_at (&extents, &extents, 512 * 5000001ull, &e);
	assert_true (e.data && e.len == 512 * 999999ull);
	extents_free (&extents);
}

static void a_stretch_ends_where_data_ends_or_what_is_dirty (void **unused)
{
	static const struct extent should[] = {
		{ 2, false, true }, { 3, true, true }, { 4, true, false }, { 1, false, false }, { 6, false, true },
	};
	struct extents data, dirty;
	struct extent e;
	uint64_t at = 0;

	(void) unused;
	extents_init (&data);
	extents_init (&dirty);
	extents_add (&data, 2, false);
	extents_add (&data, 7, true);
	extents_add (&data, 7, false);
	extents_add (&dirty, 5, true);
	extents_add (&dirty, 5, false);
	extents_add (&dirty, 6, true);
	for (size_t i = 0; i < G_N_ELEMENTS (should); i++, at += e.len) {
		extents_at (&data, &dirty, at, &e);
		assert_true (e.len == should[i].len && e.data == should[i].data && e.dirty == should[i].dirty);
	}
	assert_int_equal (at, data.len);
	extents_free (&data);
	extents_free (&dirty);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (each_byte_is_what_was_added),
		cmocka_unit_test (an_image_that_ends_in_a_hole_has_its_data_before),
		cmocka_unit_test (a_stretch_ends_where_data_ends_or_what_is_dirty),
		cmocka_unit_test (there_is_a_limit_to_what_is_kept),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
