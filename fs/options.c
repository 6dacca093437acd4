/* options.c - what the next mkdir, rmdir and mv of a domain will use
 *
 * Values are interned: they live as long as the daemon, and a wish copies only
 * pointers.  Users have few words for it. */

#include <errno.h>
#include <string.h>

#include "kept.h"
#include "lock.h"
#include "options.h"

/* The first word is what holds until somebody writes another. */
static const struct {
	const char *name, *words;       /* words: NULL is any text */
	const char *first;
} options[N_OPTIONS] = {
	[MEMORY]       = { "memory",       "auto yes no",              "auto" },
	[STORAGE]      = { "storage",      "auto internal external",   "auto" },
	[DISKS]        = { "disks",        NULL,                       "all" },
	[TARGET]       = { "target",       NULL,                       "" },
	[AFTER_REVERT] = { "after-revert", "as-saved running paused",  "as-saved" },
	[FORCE]        = { "force",        NULL,                       "" },
};

struct values {
	const char *of[N_OPTIONS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *by_domain;   /* name -> values, where any was written */

static enum option option_of (const struct place *at)
{
	enum option option = 0;

	while (strcmp (options[option].name, row_label (at->row)) != 0)
		option++;
	return option;
}

/* Called under the lock. */
static struct values *values_of (const char *domain)
{
	if (!by_domain)
		by_domain = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
	return g_hash_table_lookup (by_domain, domain);
}

static const char *option_get (const struct place *at, enum option option)
{
	LOCKED (&lock);
	const struct values *values = values_of (DOMAIN (at));

	return values && values->of[option] ? values->of[option] : options[option].first;
}

static void option_set (const struct place *at, enum option option, const char *value)
{
	LOCKED (&lock);
	struct values *values = values_of (DOMAIN (at));

	if (!values) {
		values = g_new0 (struct values, 1);
		g_hash_table_insert (by_domain, g_strdup (DOMAIN (at)), values);
	}
	values->of[option] = g_intern_string (value);
}

int option_show (const struct place *at, GString *out, struct fault *f)
{
	(void) f;
	g_string_append_printf (out, "%s\n", option_get (at, option_of (at)));
	return 0;
}

static int check_disks (const struct place *at, const char *text, struct fault *f)
{
	g_auto (GStrv) names = g_strsplit (text, ",", -1);
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (int i = 0; r == 0 && names[i]; i++)
		if (!listing_find (disks, names[i]))
			r = fault (f, EINVAL, "%s has no disk %s: write all, none, or names with commas between", DOMAIN (at), names[i]);
	return r;
}

static int check (const struct place *at, enum option option, const char *text, struct fault *f)
{
	g_auto (GStrv) words = g_strsplit (options[option].words ? options[option].words : "", " ", -1);

	if (options[option].words && !g_strv_contains ((const char *const *) words, text))
		return fault (f, EINVAL, "%s is one of: %s", options[option].name, options[option].words);
	if (option == TARGET && !g_path_is_absolute (text))
		return fault (f, EINVAL, "target is a directory of the hypervisor's host: write its whole path");
	if (option != DISKS || strcmp (text, "all") == 0 || strcmp (text, "none") == 0)
		return 0;
	return check_disks (at, text, f);
}

int option_store (const struct place *at, const char *text, struct fault *f)
{
	enum option option = option_of (at);
	int r = *text ? check (at, option, text, f) : 0;

	if (r == 0)
		option_set (at, option, *text ? text : options[option].first);
	return r;
}

void options_wish (const struct place *at, struct wish *wish)
{
	for (enum option option = 0; option < N_OPTIONS; option++)
		wish->option[option] = option_get (at, option);
}

void options_settle (const struct place *at, const struct wish *wish)
{
	if (wish->forced)
		option_set (at, FORCE, options[FORCE].first);
}
