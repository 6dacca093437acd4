/* Names of moments become wishes. */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <glib.h>

#include "words.h"

static const struct {
	enum moment kind;
	const char *name, *since, *leaves;
	int r;
} wishes[] = {
	{ BACKUP,     "monday",       NULL,     NULL,      0 },
	{ BACKUP,     "full",         NULL,     NULL,      0 },
	{ BACKUP,     "full..monday", NULL,     "monday",  0 },
	{ BACKUP,     "a..b",         "a",      "b",       0 },
	{ BACKUP,     "a..",          "a",      NULL,      0 },
	{ BACKUP,     "a..b.c",       "a",      "b.c",     0 },
	{ BACKUP,     "..",           NULL,     NULL,      -EINVAL },
	{ BACKUP,     "..b",          NULL,     NULL,      -EINVAL },
	{ BACKUP,     "full..",       NULL,     NULL,      -EINVAL },
	{ BACKUP,     "a..full",      NULL,     NULL,      -EINVAL },
	{ BACKUP,     "a..a",         NULL,     NULL,      -EINVAL },
	{ BACKUP,     "a..b..c",      NULL,     NULL,      -EINVAL },
	{ BACKUP,     "a...b",        NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "a.b-c_D9.",    NULL,     NULL,      0 },
	{ SNAPSHOT,   "-",            NULL,     NULL,      0 },
	{ SNAPSHOT,   "full",         NULL,     NULL,      0 },
	{ SNAPSHOT,   "a b",          NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "a..b",         NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   ".hidden",      NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "two\nlines",   NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "a%2Fb",        NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "\303\274",     NULL,     NULL,      -EINVAL },
	{ SNAPSHOT,   "",             NULL,     NULL,      -EINVAL },
};

static void names_become_wishes (void **unused)
{
	char buf[NAME_MAX + 1];
	struct wish wish;
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (wishes); i++) {
		assert_int_equal (words_parse (wishes[i].kind, wishes[i].name, buf, &wish, &f), wishes[i].r);
		if (wishes[i].r < 0)
			continue;
		assert_string_equal (wish.name, wishes[i].name);
		assert_int_equal (g_strcmp0 (wish.since, wishes[i].since), 0);
		assert_int_equal (g_strcmp0 (wish.leaves, wishes[i].leaves), 0);
	}
}

static void a_name_too_long_for_libvirt_is_too_long (void **unused)
{
	char name[NAME_MAX + 1] = "", buf[NAME_MAX + 1];
	struct wish wish;
	struct fault f;

	(void) unused;
	memset (name, 'x', 247);
	assert_int_equal (words_parse (SNAPSHOT, name, buf, &wish, &f), 0);
	name[247] = 'x';
	assert_int_equal (words_parse (SNAPSHOT, name, buf, &wish, &f), -ENAMETOOLONG);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (names_become_wishes),
		cmocka_unit_test (a_name_too_long_for_libvirt_is_too_long),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
