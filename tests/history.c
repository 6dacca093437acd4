/* The file tree shows each snapshot once, below its parent, whatever the hypervisor lists. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "history.h"
#include "kept.h"

/* Of each: its name, its parent, and whether the domain stands on it. */
static const struct made {
	const char *name, *parent;
	bool current;
} *made;

static int list (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	(void) be;
	(void) domain;
	(void) f;
	for (const struct made *m = made; m->name; m++) {
		struct entry *entry = listing_add (out, entry_new (m->name));

		entry->parent = g_strdup (m->parent);
		entry->current = m->current;
	}
	return 0;
}

static const struct moment_ops snapshots = { .list = list };
static struct backend backend = { .moments = { [SNAPSHOT] = &snapshots } };

static void shows (const struct made *these, const char *expected)
{
	struct place at = { .backend = &backend, .kind = SNAPSHOT, .depth = 1, .name = { "alpha" } };
	g_autoptr (GString) text = g_string_new (NULL);
	struct fault f;

	made = these;
	kept_forget ("alpha");
	assert_int_equal (history_show (&at, text, &f), 0);
	assert_string_equal (text->str, expected);
}

static void nothing_is_an_empty_file (void **unused)
{
	(void) unused;
	shows ((struct made[]) { { NULL } }, "");
}

static void children_follow_their_parent (void **unused)
{
	(void) unused;
	shows ((struct made[]) { { "b", "a" }, { "a" }, { "c", "b", true }, { "d", "a" }, { "e" }, { NULL } },
	       "a\n  b\n    c  <- here\n  d\ne\n");
}

static void whose_parent_is_not_there_is_a_root (void **unused)
{
	(void) unused;
	shows ((struct made[]) { { "a", "gone" }, { "b", "a" }, { NULL } }, "a\n  b\n");
}

static void what_makes_no_tree_ends_all_the_same (void **unused)
{
	(void) unused;
	shows ((struct made[]) { { "a", "b" }, { "b", "a" }, { "c" }, { NULL } }, "c\n");
	shows ((struct made[]) { { "a" }, { "a", "a" }, { NULL } }, "a\n  a\n");
	shows ((struct made[]) { { "a" }, { "a" }, { "b", "a" }, { "b", "a" }, { "c", "b" }, { NULL } },
	       "a\n  b\n    c\n  b\na\n");
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (nothing_is_an_empty_file),
		cmocka_unit_test (children_follow_their_parent),
		cmocka_unit_test (whose_parent_is_not_there_is_a_root),
		cmocka_unit_test (what_makes_no_tree_ends_all_the_same),
	};

	return cmocka_run_group_tests (tests, NULL, NULL);
}
