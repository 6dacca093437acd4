/* domain.c - what the files of a domain say */

#include <errno.h>
#include <string.h>

#include "domain.h"
#include "kept.h"
#include "options.h"
#include "seen.h"

enum { WIDTH = 20 };

int domain_list (const struct place *at, struct listing **out, struct fault *f)
{
	return kept_domains (at, out, f);
}

int domain_xml (const struct place *at, GString *out, struct fault *f)
{
	return at->backend->ops->xml (at->backend, DOMAIN (at), out, f);
}

int domain_state (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	int r = kept_domains (at, &all, f);
	const struct entry *entry = r == 0 ? listing_find (all, DOMAIN (at)) : NULL;

	if (r == 0 && !entry)
		return fault (f, ENOENT, "%s is gone", DOMAIN (at));
	if (r == 0)
		g_string_append_printf (out, "%s\n", entry->state);
	return r;
}

/* What a backup that runs would not survive. */
static int check_backups (const struct place *at, const char *state, struct fault *f)
{
	static const char *const ends[] = { "shutoff", "destroyed", "saved", NULL };
	g_autoptr (GArray) jobs = g_array_new (FALSE, FALSE, sizeof (struct job));
	int r = g_strv_contains (ends, state) ? at->backend->ops->jobs (at->backend, DOMAIN (at), false, jobs, f) : 0;

	for (guint i = 0; r == 0 && i < jobs->len; i++) {
		const struct job *job = &g_array_index (jobs, struct job, i);

		if (strcmp (job->operation, "backup") != 0 || job->stopped)
			continue;
		if (job->foreign)
			r = fault (f, EBUSY, "%s backs it up: wait, or write state to options/force", job->owner);
		else
			r = fault (f, EBUSY, "backup %s runs: rmdir it, or write state to options/force", job->name);
	}
	return r;
}

static int set_state (const struct place *at, const char *state, struct fault *f)
{
	if (!at->backend->ops->set_state || strcmp (state, "saved") == 0)
		return fault (f, EOPNOTSUPP, "the %s backend cannot make %s %s", at->backend->ops->name, DOMAIN (at), state);
	return at->backend->ops->set_state (at->backend, DOMAIN (at), state, f);
}

int domain_set_state (const struct place *at, const char *state, struct fault *f)
{
	static const char *const states[] = { "running", "paused", "shutoff", "destroyed", "saved", "reset", NULL };
	struct wish wish = { .name = "state" };
	int r;

	if (!g_strv_contains (states, state))
		return fault (f, EINVAL, "state is one of: running paused shutoff destroyed reset");
	options_wish (at, &wish);
	r = check_backups (at, state, f);
	if (r >= 0 || (r == -EBUSY && wish_lets (&wish)))
		r = set_state (at, state, f);
	options_settle (at, &wish);
	return r;
}

/* The number has a fixed width, so that the size of the file is known without it. */
static void show_disk (const struct entry *disk, const struct entry *size, GString *out)
{
	g_autofree char *bytes = size ? g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) size->size) : g_strdup ("-");

	g_string_append_printf (out, "%s %s %*s %s %s\n", disk->name, disk->state, WIDTH, bytes,
				disk->can & CAN_BITMAP ? "yes" : "no", disk->text);
}

static int show_disks (const struct place *at, const struct listing *sizes, GString *out, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		show_disk (disk, listing_find (sizes, disk->name), out);
	}
	return r;
}

int domain_disks (const struct place *at, GString *out, struct fault *f)
{
	LISTING sizes = listing_new ();
	int r = at->backend->ops->sizes (at->backend, DOMAIN (at), sizes, f);

	return r < 0 ? r : show_disks (at, sizes, out, f);
}

int domain_disks_stat (const struct place *at, struct stat *st, struct fault *f)
{
	LISTING none = listing_new ();
	g_autoptr (GString) text = g_string_new (NULL);
	int r = show_disks (at, none, text, f);

	st->st_size = text->len;
	seen_stamp (st, seen_change (st->st_ino, text->str, text->len, seen_stamped (st)));
	return r;
}
