/* A text has the time at which it last became another. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <glib.h>

#include "seen.h"

static int64_t now (void)
{
	return g_get_real_time () * 1000;
}

static void what_never_changed_has_its_first_time (void **unused)
{
	(void) unused;
	assert_int_equal (seen_change (1, "running\n", 8, 42), 42);
	assert_int_equal (seen_change (1, "running\n", 8, 43), 42);
	assert_int_equal (seen_change (2, "", 0, 44), 44);
}

static void what_changes_has_the_time_of_its_change (void **unused)
{
	int64_t before = now (), changed;

	(void) unused;
	assert_int_equal (seen_change (3, "running\n", 8, 42), 42);
	changed = seen_change (3, "paused\n", 7, 42);
	assert_in_range (changed, before, now ());
	assert_int_equal (seen_change (3, "paused\n", 7, 42), changed);
	g_usleep (1000);
	assert_true (seen_change (3, "running\n", 8, 42) > changed);   /* back is a change too */
}

static void a_stamp_is_one_time_for_all (void **unused)
{
	struct stat st = { 0 };

	(void) unused;
	seen_stamp (&st, 1700000000123456789);
	assert_int_equal (st.st_mtim.tv_sec, 1700000000);
	assert_int_equal (st.st_mtim.tv_nsec, 123456789);
	assert_int_equal (st.st_ctim.tv_nsec, 123456789);
	assert_int_equal (seen_stamped (&st), 1700000000123456789);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (what_never_changed_has_its_first_time),
		cmocka_unit_test (what_changes_has_the_time_of_its_change),
		cmocka_unit_test (a_stamp_is_one_time_for_all),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
