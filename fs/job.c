/* job.c - what runs in a domain, and how it is told to stop */

#include <errno.h>
#include <string.h>

#include "disk.h"
#include "job.h"
#include "kept.h"
#include "options.h"
#include "seen.h"
#include "within.h"

enum { WIDTH = 20 };

static GArray *jobs_new (void)
{
	return g_array_new (FALSE, FALSE, sizeof (struct job));
}

static void show_number (GString *out, const char *what, bool known, uint64_t number)
{
	if (known)
		g_string_append_printf (out, "%s %*" G_GUINT64_FORMAT "\n", what, WIDTH, (guint64) number);
	else
		g_string_append_printf (out, "%s %*s\n", what, WIDTH, "-");
}

/* The width does not change while it runs: who copies it sees no change of size. */
static void show_job (const struct job *job, GString *out)
{
	g_string_append_printf (out, "%soperation %s\nname %s\nowner %s\n", out->len > 0 ? "\n" : "",
				job->operation, job->name, job->owner);
	show_number (out, "percent", job->total, job->total ? 100.0 * job->done / job->total : 0);
	show_number (out, "bytes", job->total, job->done);
	show_number (out, "total", job->total, job->total);
	show_number (out, "seconds", job->began, MAX (time (NULL) - job->began, 0));
	if (job->stopped)
		g_string_append (out, "holds the images: the domain cannot be started until then\n");
}

/* How far the copies of a backup are that others write knows the backend; how far those are that are read here, we. */
static void measure_reading (const struct place *at, struct job *job)
{
	struct place backup = *at;
	const struct entry *entry;
	LISTING all = NULL;
	struct fault ignored;

	if (job->foreign || strcmp (job->operation, "backup") != 0)
		return;
	place_leave (&backup);
	if (!place_enter (&backup, "backups") || !place_enter (&backup, job->name))
		return;
	entry = kept_entry (&backup, &all, &ignored);
	if (entry && !entry->pushed)
		disk_progress (&backup, &job->done, &job->total, &ignored);
}

static int show_jobs (const struct place *at, bool measure, GString *out, struct fault *f)
{
	g_autoptr (GArray) jobs = jobs_new ();
	int r = at->backend->ops->jobs (at->backend, DOMAIN (at), measure, jobs, f);

	for (guint i = 0; r == 0 && i < jobs->len; i++) {
		struct job *job = &g_array_index (jobs, struct job, i);

		if (measure)
			measure_reading (at, job);
		show_job (job, out);
	}
	if (r == 0 && jobs->len == 0)
		g_string_append (out, "none\n");
	return r;
}

/* How far they are is what only the guest's QEMU knows. */
int job_show (const struct place *at, GString *out, struct fault *f)
{
	return show_jobs (at, true, out, f);
}

static int show_unmeasured (const struct place *at, GString *out, struct fault *f)
{
	return show_jobs (at, false, out, f);
}

int job_stat (const struct place *at, struct stat *st, struct fault *f)
{
	g_autoptr (GString) text = g_string_new (NULL);
	int r = kept_text (at, show_unmeasured, text, f);

	st->st_size = text->len;
	seen_stamp (st, g_get_real_time () * 1000);
	return r;
}

/* Something that is asked about the jobs of a domain. */
struct asking {
	struct call call;
	struct place at;
	char *name;
	bool any;
};

static int run_stop (struct call *call, struct fault *f)
{
	const struct asking *stop = (struct asking *) call;

	return stop->at.backend->ops->cancel (stop->at.backend, DOMAIN (&stop->at), stop->name, f);
}

static int run_count (struct call *call, struct fault *f)
{
	struct asking *count = (struct asking *) call;
	g_autoptr (GArray) jobs = jobs_new ();
	int r = count->at.backend->ops->jobs (count->at.backend, DOMAIN (&count->at), false, jobs, f);

	count->any = jobs->len > 0;
	return r;
}

static void asking_free (struct call *call)
{
	g_free (((struct asking *) call)->name);
	g_free (call);
}

static const struct call_ops stops = { .run = run_stop, .free = asking_free };
static const struct call_ops counts = { .run = run_count, .free = asking_free };

static struct asking *asking_new (const struct place *at, const char *name, const struct call_ops *ops)
{
	struct asking *asking = g_new (struct asking, 1);

	*asking = (struct asking) { .at = *at, .name = g_strdup (name) };
	call_init (&asking->call, ops, DOMAIN (at));
	return asking;
}

bool job_is_any (const struct place *at)
{
	struct asking *count = asking_new (at, NULL, &counts);
	struct fault ignored;
	bool any = within_glance (&count->call, &ignored) == 0 && count->any;

	call_unref (&count->call);
	return any;
}

bool job_interrupt (const struct place *at, const char *name)
{
	struct asking *stop = asking_new (at, name, &stops);
	struct fault ignored;
	bool stopped = within_glance (&stop->call, &ignored) == 0;

	call_unref (&stop->call);
	return stopped;
}

static int job_stop (const struct place *at, const char *name, struct fault *f)
{
	struct asking *stop = asking_new (at, name, &stops);
	int r = within (&stop->call, f);

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
	r = job_stop (at, job->name, f);
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

int job_cancel (const struct place *at, const char *text, struct fault *f)
{
	const char *name = g_str_has_prefix (text, "cancel ") ? text + strlen ("cancel ") : NULL;
	g_autoptr (GArray) jobs = jobs_new ();
	const struct job *job = NULL;
	int r;

	if (!name && strcmp (text, "cancel") != 0)
		return fault (f, EINVAL, "a job can only be told to cancel");
	r = at->backend->ops->jobs (at->backend, DOMAIN (at), true, jobs, f);
	if (r == 0)
		r = find_job (jobs, name, &job, f);
	return r == 0 ? stop_job (at, job, f) : r;
}
