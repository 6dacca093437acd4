/* Bytes are covered once they were answered, in whatever order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>

#include "coverage.h"

static const struct {
	const char *parts;      /* "from-to ..." of 9 bytes */
	bool whole;
} cases[] = {
	{ "", false },
	{ "0-9", true },
	{ "0-4 4-9", true },
	{ "4-9 0-4", true },
	{ "0-3 4-9", false },
	{ "0-3 6-9 2-7", true },
	{ "0-1 2-3 4-5 6-7 8-9 0-9", true },
	{ "1-9", false },
	{ "0-8", false },
	{ "0-5 0-5 5-5 6-9", false },
};

static void the_whole_is_covered_by_its_parts (void **unused)
{
	(void) unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct coverage *coverage = coverage_new (9);

		for (const char *c = cases[i].parts; *c; c += c[3] ? 4 : 3)
			coverage_add (coverage, c[0] - '0', c[2] - c[0]);
		if ((coverage_lacks (coverage) == 0) != cases[i].whole)
			fail_msg ("%s", cases[i].parts);
		coverage_free (coverage);
	}
}

static void nothing_of_an_empty_file_is_missing (void **unused)
{
	struct coverage *coverage = coverage_new (0);

	(void) unused;
	assert_true (coverage_lacks (coverage) == 0);
	coverage_free (coverage);
}

static uint64_t lacking (const char *bytes, size_t n)
{
	uint64_t lacks = 0;

	for (size_t i = 0; i < n; i++)
		lacks += !bytes[i];
	return lacks;
}

/* Against a set of bytes, 500 times. */
static void any_parts_cover_what_they_cover (void **unused)
{
	(void) unused;
	srand (7);
	for (int round = 0; round < 500; round++) {
		struct coverage *coverage = coverage_new (64);
		char bytes[64] = "";
		bool whole = false;

		for (int n = 0; n < 10000 && !whole; n++) {
			unsigned at = rand () % sizeof bytes, len = rand () % (sizeof bytes - at + 1);

			len = MIN (len, 16);
			memset (bytes + at, 1, len);
			coverage_add (coverage, at, len);
			whole = !memchr (bytes, 0, sizeof bytes);
			assert_int_equal (coverage_lacks (coverage), lacking (bytes, sizeof bytes));
		}
		coverage_free (coverage);
	}
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (the_whole_is_covered_by_its_parts),
		cmocka_unit_test (nothing_of_an_empty_file_is_missing),
		cmocka_unit_test (any_parts_cover_what_they_cover),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
