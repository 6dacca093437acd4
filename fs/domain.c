/* domain.c - what the files of a domain say */

#include <errno.h>
#include <string.h>

#include "domain.h"
#include "kept.h"
#include "options.h"
#include "within.h"

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
	LISTING all = NULL;
	int r = kept_can (at, BACKUP, f);

	if (r <= 0 || !g_strv_contains (ends, state))
		return r;
	r = kept_moments (at, BACKUP, &all, f);
	for (guint i = 0; r == 0 && i < all->entries->len; i++) {
		const struct entry *backup = all->entries->pdata[i];

		if (!backup->state)
			return fault (f, EBUSY, "backup %s runs: rmdir it, or write state to options/force", backup->name);
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
		return fault (f, EINVAL, "state is one of: running paused shutoff destroyed saved reset");
	options_wish (at, &wish);
	r = check_backups (at, state, f);
	if (r >= 0 || (r == -EBUSY && wish_lets (&wish)))
		r = set_state (at, state, f);
	options_settle (at, &wish);
	return r;
}

int domain_disks (const struct place *at, GString *out, struct fault *f)
{
	LISTING disks = NULL;
	int r = kept_disks (at, &disks, f);

	for (guint i = 0; r == 0 && i < disks->entries->len; i++) {
		const struct entry *disk = disks->entries->pdata[i];

		g_string_append_printf (out, "%s %s %" G_GUINT64_FORMAT " %s %s\n", disk->name, disk->state,
					(guint64) disk->size, disk->can & CAN_BITMAP ? "yes" : "no", disk->text);
	}
	return r;
}

static GArray *jobs_new (void)
{
	return g_array_new (FALSE, FALSE, sizeof (struct job));
}

/* The width does not change while it runs: who copies it sees no change of size. */
static void show_job (const struct job *job, GString *out)
{
	g_string_append_printf (out, "operation %s\nname %s\nowner %s\n", job->operation, job->name, job->owner);
	if (job->total)
		g_string_append_printf (out, "percent %20d\nbytes %20" G_GUINT64_FORMAT "\ntotal %20" G_GUINT64_FORMAT "\n",
					(int) (100.0 * job->done / job->total), (guint64) job->done, (guint64) job->total);
	g_string_append_printf (out, "seconds %20ld\n", (long) (time (NULL) - job->began));
}

int domain_jobs (const struct place *at, GString *out, struct fault *f)
{
	g_autoptr (GArray) jobs = jobs_new ();
	int r = at->backend->ops->jobs (at->backend, DOMAIN (at), jobs, f);

	for (guint i = 0; r == 0 && i < jobs->len; i++) {
		g_string_append (out, i > 0 ? "\n" : "");
		show_job (&g_array_index (jobs, struct job, i), out);
	}
	if (r == 0 && jobs->len == 0)
		g_string_append (out, "none\n");
	return r;
}

struct stop {
	struct call call;
	struct place at;
	char *name;
};

static int run_stop (struct call *call, struct fault *f)
{
	const struct stop *stop = (struct stop *) call;

	return stop->at.backend->ops->cancel (stop->at.backend, DOMAIN (&stop->at), stop->name, f);
}

static void stop_free (struct call *call)
{
	g_free (((struct stop *) call)->name);
	g_free (call);
}

static const struct call_ops stops = { .run = run_stop, .free = stop_free };

int domain_stop (const struct place *at, const char *name, struct fault *f)
{
	struct stop *stop = g_new (struct stop, 1);
	int r;

	*stop = (struct stop) { .at = *at, .name = g_strdup (name) };
	call_init (&stop->call, &stops, DOMAIN (at));
	r = within (&stop->call, f);
	call_unref (&stop->call);
	return r;
}

static int stop_job (const struct place *at, const struct job *job, struct fault *f)
{
	struct wish wish = { .name = "job" };
	int r;

	options_wish (at, &wish);
	if (job->foreign && !wish_lets (&wish))
		return fault (f, EPERM, "%s began that: write job to options/force", job->owner);
	r = domain_stop (at, job->name, f);
	options_settle (at, &wish);
	return r;
}

/* The one that is called NAME, or the only one. */
static int find_job (GArray *jobs, const char *name, const struct job **job, struct fault *f)
{
	if (!name && jobs->len > 1)
		return fault (f, EINVAL, "there are %u jobs: write cancel and a name", jobs->len);
	for (guint i = 0; i < jobs->len && !*job; i++)
		if (!name || strcmp (g_array_index (jobs, struct job, i).name, name) == 0)
			*job = &g_array_index (jobs, struct job, i);
	return *job ? 0 : fault (f, ENOENT, "there is no job%s%s", name ? " " : "", name ? name : "");
}

int domain_cancel (const struct place *at, const char *text, struct fault *f)
{
	const char *name = g_str_has_prefix (text, "cancel ") ? text + strlen ("cancel ") : NULL;
	g_autoptr (GArray) jobs = jobs_new ();
	const struct job *job = NULL;
	int r;

	if (!name && strcmp (text, "cancel") != 0)
		return fault (f, EINVAL, "a job can only be told to cancel");
	r = at->backend->ops->jobs (at->backend, DOMAIN (at), jobs, f);
	if (r == 0)
		r = find_job (jobs, name, &job, f);
	return r == 0 ? stop_job (at, job, f) : r;
}
