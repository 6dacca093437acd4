/* The table is well drawn, and every path the README shows is in it. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tree.h"
#include "walk.h"

static struct backend *backend;

static void ignore (const char *domain)
{
	(void) domain;
}

static const struct setup setup = { .source = "fake", .changed = ignore };

static int open_fake (void **unused)
{
	struct fault f;

	(void) unused;
	return backend_open (&setup, &backend, &f);
}

static int close_fake (void **unused)
{
	(void) unused;
	backend->ops->close (backend);
	return 0;
}

static void walk (struct place *at, const char *path)
{
	g_auto (GStrv) steps = g_strsplit (path, "/", -1);
	struct fault f;

	place_root (at, tree, backend);
	for (int i = 0; steps[i]; i++)
		if (walk_step (at, steps[i], &f) < 0)
			fail_msg ("%s: %s", path, f.text);
}

static void rows_are_well_drawn (void **unused)
{
	(void) unused;
	for (const struct row *row = tree; row->name; row++) {
		if (S_ISREG (row->mode) || S_ISLNK (row->mode))
			assert_int_equal (!!row->show + !!row->ask + !!row->open, 1);
		if (row->open)
			assert_non_null (row->stat);
		if (row_first (row))
			assert_true (S_ISDIR (row->mode));
		for (const struct row *in = row_first (row); in; in = row_next (in))
			if (row_is_each (in))
				assert_non_null (row->list);
	}
}

static void a_path_leads_to_its_row (void **unused)
{
	struct place at;

	(void) unused;
	walk (&at, "alpha/state");
	assert_string_equal (row_label (at.row), "state");
	assert_string_equal (DOMAIN (&at), "alpha");
	walk (&at, "beta/snapshots");
	assert_int_equal (at.kind, SNAPSHOT);
}

static void what_a_backend_lacks_is_not_there (void **unused)
{
	struct place at;
	struct fault f;

	(void) unused;
	walk (&at, "alpha");
	assert_int_equal (walk_step (&at, "backups", &f), 0);
	walk (&at, "beta");
	assert_int_equal (walk_step (&at, "backups", &f), -ENOENT);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (rows_are_well_drawn),
		cmocka_unit_test (a_path_leads_to_its_row),
		cmocka_unit_test (what_a_backend_lacks_is_not_there),
	};

	return cmocka_run_group_tests (tests, open_fake, close_fake);
}
