/* Names of hypervisors become names of paths. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "listing.h"

static const char *const names[][2] = {
	{ "plain", "plain" },   { "a/b", "a%2Fb" },      { ".hidden", "%2Ehidden" }, { ".", "%2E" },
	{ "..", "%2E." },       { "..b", "%2E.b" },      { "two\nlines", "two%0Alines" },
	{ "50%", "50%" },       { "a%2Fb", "a%252Fb" },  { "%%41", "%%2541" },       { "\303\274", "\303\274" },
	{ "a\377b", "a%FFb" },  { "\303", "%C3" },       { "\302\205", "%C2%85" },   { "a b..c", "a b..c" },
};

static void every_name_is_shown_and_found_again (void **unused)
{
	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (names); i++) {
		g_autofree char *shown = name_encode (names[i][0]), *real = name_decode (shown);

		assert_string_equal (shown, names[i][1]);
		assert_string_equal (real, names[i][0]);
	}
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (every_name_is_shown_and_found_again),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
