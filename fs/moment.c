/* moment.c - what mkdir, rmdir, mv and cat mean among moments */

#include <errno.h>
#include <string.h>

#include "checkpoint.h"
#include "disk.h"
#include "keep.h"
#include "kept.h"
#include "moment.h"
#include "options.h"
#include "reading.h"
#include "words.h"

static const char *const directory[N_MOMENTS] = {
	[SNAPSHOT] = "snapshots", [CHECKPOINT] = "checkpoints", [BACKUP] = "backups",
};

static int cannot (const struct place *at, const char *verb, struct fault *f)
{
	return fault (f, EOPNOTSUPP, "the %s backend cannot %s %s", at->backend->ops->name, verb,
		      directory[at->kind]);
}

int moment_list (const struct place *at, struct listing **out, struct fault *f)
{
	return kept_moments (at, at->kind, out, f);
}

int moment_make (const struct place *at, const char *name, struct fault *f)
{
	LISTING there = NULL;
	char buf[NAME_MAX + 1];
	struct wish wish;
	int r;

	if (!place_verbs (at)->make)
		return cannot (at, "make", f);
	r = words_parse (at->kind, name, buf, &wish, f);
	if (r == -EINVAL && at->kind == BACKUP)
		return checkpoint_explain (at, name, f);
	if (r == 0)
		r = moment_list (at, &there, f);
	if (r == 0 && listing_find (there, name))
		r = fault (f, EEXIST, "%s exists already", name);
	if (r == 0 && at->kind == BACKUP)
		r = disk_names_fit (at, &wish, f);
	if (r == 0 && at->kind == BACKUP)
		r = checkpoint_range (at, &wish, f);
	if (r < 0)
		return r;
	options_wish (at, &wish);
	r = place_verbs (at)->make (at->backend, DOMAIN (at), &wish, f);
	options_settle (at, &wish);
	return r;
}

int moment_drop (const struct place *at, const char *name, struct fault *f)
{
	struct wish wish = { .name = name };
	struct place moment = *at;
	char *bar;
	int ended, r;

	if (!place_verbs (at)->drop)
		return cannot (at, "delete", f);
	if (at->kind == CHECKPOINT && checkpoint_is_free (at, name, f) < 0)
		return -f->err;
	options_wish (at, &wish);
	place_enter (&moment, name);
	ended = kept_ended (&moment, NULL, f);
	r = ended < 0 ? ended : reading_bar (at, name, ended, &bar, f);
	if (r < 0)
		return r;
	r = ended || at->kind != BACKUP ? 0 : keep_settle (&moment, f);
	if (r == 0)
		r = place_verbs (at)->drop (at->backend, DOMAIN (at), &wish, f);
	options_settle (at, &wish);
	reading_unbar (bar, r == 0);
	return r;
}

/* mv snapshots/NAME current/ takes the domain back to NAME. */
int moment_revert (const struct place *from, const char *name,
		   const struct place *to, const char *new_name, struct fault *f)
{
	struct wish wish = { .name = name };
	char *bar;
	int r;

	if (from->kind != SNAPSHOT || strcmp (DOMAIN (from), DOMAIN (to)) != 0)
		return fault (f, EPERM, "%s does not belong here", name);
	if (from->row == to->row || strcmp (name, new_name) != 0)
		return fault (f, EPERM, "mv %s/%s current/ is how to go back to it", directory[from->kind], name);
	if (!place_verbs (from)->revert)
		return cannot (from, "go back to", f);
	options_wish (from, &wish);
	r = reading_bar (from, name, false, &bar, f);
	if (r < 0)
		return r;
	r = place_verbs (from)->revert (from->backend, DOMAIN (from), &wish, f);
	options_settle (from, &wish);
	reading_unbar (bar, r == 0);
	return r;
}

int moment_xml (const struct place *at, GString *out, struct fault *f)
{
	return place_verbs (at)->xml (at->backend, DOMAIN (at), MOMENT (at), out, f);
}

int moment_domain_xml (const struct place *at, GString *out, struct fault *f)
{
	return place_verbs (at)->domain_xml (at->backend, DOMAIN (at), MOMENT (at), out, f);
}

static int show_line (const struct entry *entry, const char *line, GString *out, const struct fault *f)
{
	if (!entry)
		return -f->err;
	if (line && *line)
		g_string_append_printf (out, "%s\n", line);
	return 0;
}

int moment_state (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = kept_entry (at, &all, f);

	return show_line (entry, entry ? entry->state : NULL, out, f);
}

int moment_description (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = kept_entry (at, &all, f);

	return show_line (entry, entry ? entry->text : NULL, out, f);
}

int moment_describe (const struct place *at, const char *text, struct fault *f)
{
	if (!place_verbs (at)->describe)
		return cannot (at, "describe", f);
	return place_verbs (at)->describe (at->backend, DOMAIN (at), MOMENT (at), text, f);
}

/* current/ holds one snapshot: the one the domain stands on. */
int moment_current (const struct place *at, struct listing **out, struct fault *f)
{
	LISTING all = NULL;
	int r = moment_list (at, &all, f);

	*out = listing_new ();
	for (guint i = 0; r == 0 && i < all->entries->len; i++) {
		const struct entry *entry = all->entries->pdata[i];

		if (entry->current)
			listing_add (*out, entry_copy (entry));
	}
	return r;
}

int moment_has_parent (const struct place *at, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = kept_entry (at, &all, f);

	return entry ? entry->parent != NULL : -f->err;
}

/* Those of snapshots lead by way of the domain, so that they are right from current/
 * too, where the kernel may have moved them with their directory. */
int moment_parent (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = kept_entry (at, &all, f);

	if (!entry)
		return -f->err;
	if (!entry->parent)
		return fault (f, ENOENT, "%s is a root", MOMENT (at));
	g_string_printf (out, "%s%s", at->kind == SNAPSHOT ? "../../snapshots/" : "../", entry->parent);
	return 0;
}
