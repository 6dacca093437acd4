/* libvirt-job.c - what runs in a domain, whoever began it
 *
 * What would wait is found out by what does not: virDomainGetControlInfo() says
 * whether libvirt holds the domain's job or waits for its QEMU, and only if neither is
 * so the statistics of a job are asked for, which need both.  A short query of another
 * client looks the same as a long command, so it is given a moment to pass. */

#include <errno.h>
#include <string.h>

#include "libvirt-job.h"
#include "libvirt-work.h"
#include "libvirt-xml.h"

enum { PATIENCE_MS = 400, NAP_MS = 40, CANCEL_SECONDS = 10 };

static const char *const operations[] = {
	[VIR_DOMAIN_JOB_OPERATION_UNKNOWN] = "unknown job",             [VIR_DOMAIN_JOB_OPERATION_START] = "start",
	[VIR_DOMAIN_JOB_OPERATION_SAVE] = "save",                   [VIR_DOMAIN_JOB_OPERATION_RESTORE] = "restore",
	[VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN] = "migration",      [VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT] = "migration",
	[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT] = "snapshot",           [VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT] = "revert",
	[VIR_DOMAIN_JOB_OPERATION_DUMP] = "dump",                   [VIR_DOMAIN_JOB_OPERATION_BACKUP] = "backup",
	[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE] = "delete",
};

static const char *const block_jobs[] = {
	[VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN] = "block-job",          [VIR_DOMAIN_BLOCK_JOB_TYPE_PULL] = "block-pull",
	[VIR_DOMAIN_BLOCK_JOB_TYPE_COPY] = "block-copy",            [VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT] = "block-commit",
	[VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT] = "block-commit", [VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP] = "backup",
};

/* Why a guest is paused tells what somebody does to it. */
static const char *const reasons[] = {
	[VIR_DOMAIN_PAUSED_MIGRATION] = "migration", [VIR_DOMAIN_PAUSED_SAVE] = "save",
	[VIR_DOMAIN_PAUSED_DUMP] = "dump",           [VIR_DOMAIN_PAUSED_SNAPSHOT] = "snapshot",
	[VIR_DOMAIN_PAUSED_STARTING_UP] = "start",
};

static const char *word (const char *const *words, size_t n, int i)
{
	return i >= 0 && i < (int) n ? words[i] : NULL;
}

#define WORD(words, i) word (words, G_N_ELEMENTS (words), i)

static struct job *add (GArray *jobs, const char *operation, const char *name)
{
	struct job job = { .foreign = true, .owner = "another client" };

	g_strlcpy (job.operation, operation ? operation : "unknown job", sizeof job.operation);
	g_strlcpy (job.name, name, sizeof job.name);
	g_array_append_val (jobs, job);
	return &g_array_index (jobs, struct job, jobs->len - 1);
}

static const char *paused_for (virDomainPtr dom)
{
	int state, reason;

	if (virDomainGetState (dom, &state, &reason, 0) < 0 || state != VIR_DOMAIN_PAUSED)
		return NULL;
	return WORD (reasons, reason);
}

/* Would a query wait?  SINCE is in ms. */
static bool is_held (virDomainPtr dom, uint64_t *since)
{
	virDomainControlInfo info;

	if (virDomainGetControlInfo (dom, &info, 0) < 0 || info.state == VIR_DOMAIN_CONTROL_OK)
		return false;
	*since = info.stateTime;
	return true;
}

/* What holds it has no name, unless somebody asks for something beside a backup. */
static void add_unknown (struct libvirt *lv, virDomainPtr dom, time_t began, GArray *jobs)
{
	const char *what = paused_for (dom);
	struct job *job = add (jobs, what, "-");

	job->held = true;
	job->began = began;
	if (!what && lv->backups)
		lv->backups->whose (lv, dom, job);
}

static bool add_held (struct libvirt *lv, virDomainPtr dom, bool ours, GArray *jobs)
{
	uint64_t since = 0;
	int ms = 0;

	while (is_held (dom, &since)) {
		if (since >= PATIENCE_MS || ms >= PATIENCE_MS) {
			if (!ours)
				add_unknown (lv, dom, time (NULL) - since / 1000, jobs);
			return true;
		}
		g_usleep (NAP_MS * 1000);
		ms += NAP_MS;
	}
	return false;
}

static uint64_t param (virTypedParameterPtr params, int n, const char *name)
{
	unsigned long long value = 0;

	virTypedParamsGetULLong (params, n, name, &value);
	return value;
}

/* Of a backup that is pushed it knows disks only, and of one that is read nothing. */
static void measure_job (struct job *job, virTypedParameterPtr params, int n)
{
	bool disks = param (params, n, VIR_DOMAIN_JOB_DATA_TOTAL) == 0;

	job->done = param (params, n, disks ? VIR_DOMAIN_JOB_DISK_PROCESSED : VIR_DOMAIN_JOB_DATA_PROCESSED);
	job->total = param (params, n, disks ? VIR_DOMAIN_JOB_DISK_TOTAL : VIR_DOMAIN_JOB_DATA_TOTAL);
	if (job->began == 0)
		job->began = time (NULL) - param (params, n, VIR_DOMAIN_JOB_TIME_ELAPSED) / 1000;
}

/* A libvirtd that was killed as it began a backup holds the job, and knows nothing of it, until it starts without the
 * guest. */
static bool add_lost (GArray *jobs)
{
	const virError *error = virGetLastError ();
	struct job *job;

	if (!error || error->code != VIR_ERR_INTERNAL_ERROR)
		return false;
	job = add (jobs, "backup", "-");
	g_strlcpy (job->owner, "a killed libvirtd: stop the guest, then restart libvirtd", sizeof job->owner);
	return true;
}

/* The job of the whole domain, by its statistics.  False: it has none, or its driver knows of none. */
static bool add_measured (virDomainPtr dom, bool ours, GArray *jobs)
{
	virTypedParameterPtr params = NULL;
	int type, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN, n = 0;
	const char *what;

	if (virDomainGetJobStats (dom, &type, &params, &n, 0) < 0)
		return !ours && add_lost (jobs);
	virTypedParamsGetInt (params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
	what = WORD (operations, operation);
	if (type != VIR_DOMAIN_JOB_NONE)
		measure_job (ours ? &g_array_index (jobs, struct job, 0) : add (jobs, what, what ? what : "-"), params, n);
	virTypedParamsFree (params, n);
	return type != VIR_DOMAIN_JOB_NONE;
}

/* The same without asking QEMU. */
static bool add_seen (virDomainPtr dom, bool ours, GArray *jobs)
{
	g_autofree char *backup = virDomainBackupGetXMLDesc (dom, 0);
	const char *what = backup ? "backup" : paused_for (dom);

	if (what && !ours)
		add (jobs, what, what);
	return what != NULL;
}

static const char *block_job_of (virDomainPtr dom, const struct libvirt_disk *disk, bool measure,
				 virDomainBlockJobInfo *info)
{
	*info = (virDomainBlockJobInfo) { 0 };
	if (measure && virDomainGetBlockJobInfo (dom, disk->target, info, 0) > 0)
		return info->type == VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP ? NULL : WORD (block_jobs, info->type);
	if (!disk->mirror)
		return NULL;
	return strcmp (disk->mirror, "copy") == 0 ? "block-copy" : "block-commit";
}

static void add_block_jobs (virDomainPtr dom, bool measure, GArray *jobs)
{
	g_autofree char *xml = virDomainGetXMLDesc (dom, 0);
	g_autoptr (GPtrArray) disks = xml ? libvirt_xml_disks (xml) : g_ptr_array_new ();

	for (guint i = 0; i < disks->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];
		virDomainBlockJobInfo info;
		const char *what = disk->source ? block_job_of (dom, disk, measure, &info) : NULL;
		struct job *job;

		if (!what)
			continue;
		job = add (jobs, what, disk->target);
		job->done = info.cur;
		job->total = info.end;
	}
}

/* A backup holds libvirt's job too, but has a name of its own. */
static void name_backups (struct libvirt *lv, virDomainPtr dom, GArray *jobs)
{
	for (guint i = 0; i < jobs->len; i++) {
		struct job *job = &g_array_index (jobs, struct job, i);

		if (job->foreign && lv->backups && strcmp (job->operation, "backup") == 0)
			lv->backups->whose (lv, dom, job);
	}
}

static void look (struct libvirt *lv, virDomainPtr dom, bool ours, bool measure, GArray *jobs)
{
	if (measure ? add_measured (dom, ours, jobs) : add_seen (dom, ours, jobs))
		name_backups (lv, dom, jobs);
	else if (!ours)
		add_block_jobs (dom, measure, jobs);
}

static void ask (struct libvirt *lv, virDomainPtr dom, const char *domain, bool ours, bool measure, GArray *jobs)
{
	if (measure && !turn_begin (domain)) {
		add_unknown (lv, dom, 0, jobs);
		return;
	}
	look (lv, dom, ours, measure, jobs);
	if (measure)
		turn_end (domain);
}

static int collect (struct libvirt *lv, virDomainPtr dom, const char *domain, bool measure, GArray *jobs,
		    struct fault *f)
{
	bool ours = work_add (domain, jobs);
	int active = virDomainIsActive (dom);

	if (active < 0)
		return libvirt_fault (f);
	if (active && !add_held (lv, dom, ours, jobs))
		ask (lv, dom, domain, ours, measure, jobs);
	if (lv->backups)
		lv->backups->noted (lv, dom, jobs);
	return 0;
}

static GArray *jobs_new (void)
{
	return g_array_new (FALSE, FALSE, sizeof (struct job));
}

/* Does JOB hold what a change of state needs? */
static bool holds_state (const struct job *job)
{
	return job->held || (strcmp (job->operation, "backup") != 0 && !g_str_has_prefix (job->operation, "block-"));
}

/* A backup of a domain that is off holds its images. */
static bool holds_bitmaps (const struct job *job)
{
	return job->held || job->stopped || strcmp (job->operation, "backup") != 0;
}

static bool holds_all (const struct job *job)
{
	(void) job;
	return true;
}

static int check (struct libvirt *lv, virDomainPtr dom, const char *domain, bool (*holds) (const struct job *),
		  struct fault *f)
{
	g_autoptr (GArray) jobs = jobs_new ();

	if (lv->backups)
		lv->backups->adopt (lv, dom);
	if (collect (lv, dom, domain, true, jobs, f) < 0)
		return -f->err;
	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = &g_array_index (jobs, struct job, i);
		bool named = strcmp (job->name, "-") != 0 && strcmp (job->name, job->operation) != 0;

		if (holds (job))
			return fault (f, EBUSY, "%s is busy: %s%s%s of %s; wait, or see its file job", domain,
				      job->operation, named ? " " : "", named ? job->name : "", job->owner);
	}
	return 0;
}

int libvirt_check_idle (struct libvirt *lv, virDomainPtr dom, const char *domain, struct fault *f)
{
	return check (lv, dom, domain, holds_all, f);
}

int libvirt_check_quiet (struct libvirt *lv, virDomainPtr dom, const char *domain, struct fault *f)
{
	return check (lv, dom, domain, holds_state, f);
}

int libvirt_check_markable (struct libvirt *lv, virDomainPtr dom, const char *domain, struct fault *f)
{
	return check (lv, dom, domain, holds_bitmaps, f);
}

bool libvirt_may_ask (struct libvirt *lv, virDomainPtr dom, const char *domain)
{
	g_autoptr (GArray) jobs = jobs_new ();
	struct fault ignored;
	bool may = collect (lv, dom, domain, true, jobs, &ignored) == 0;

	for (guint i = 0; i < jobs->len; i++)
		may &= !holds_state (&g_array_index (jobs, struct job, i));
	return may;
}

static int cancel_ours (virDomainPtr dom, const char *domain, const char *name, enum work_cancel how, struct fault *f)
{
	if (how == NOT_AT_ALL)
		return fault (f, EOPNOTSUPP, "libvirt cannot cancel what makes, deletes or goes back to %s: wait for it", name);
	if (how == BY_ABORT && virDomainAbortJob (dom) < 0)
		return libvirt_fault (f);
	return work_await (domain, name, CANCEL_SECONDS, f);
}

static int await_others (struct libvirt *lv, virDomainPtr dom, const char *domain, const char *name, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + CANCEL_SECONDS * G_USEC_PER_SEC;
	bool there, unclear;

	do {
		g_autoptr (GArray) jobs = jobs_new ();

		there = unclear = false;
		if (collect (lv, dom, domain, true, jobs, f) < 0)
			return -f->err;
		for (guint i = 0; i < jobs->len; i++) {
			there |= strcmp (g_array_index (jobs, struct job, i).name, name) == 0;
			unclear |= strcmp (g_array_index (jobs, struct job, i).name, "-") == 0;  /* held, maybe by its end */
		}
		g_usleep (there || unclear ? NAP_MS * 1000 : 0);
	} while ((there || unclear) && g_get_monotonic_time () < until);
	return there ? fault (f, ETIMEDOUT, "%s was told to end, and goes on", name) : 0;
}

static int cancel_others (struct libvirt *lv, virDomainPtr dom, const char *domain, const struct job *job,
			  struct fault *f)
{
	bool of_disk = g_str_has_prefix (job->operation, "block-");

	if (!job->foreign && lv->backups)
		return lv->backups->cancel (lv, domain, job->name, f);
	if (is_held (dom, &(uint64_t) { 0 }))
		return fault (f, EOPNOTSUPP, "libvirt cannot cancel what another client does to %s: wait for it", domain);
	if ((of_disk ? virDomainBlockJobAbort (dom, job->name, 0) : virDomainAbortJob (dom)) < 0)
		return libvirt_fault (f);
	return await_others (lv, dom, domain, job->name, f);
}

int libvirt_jobs (struct backend *be, const char *domain, bool measure, GArray *jobs, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);

	if (!dom)
		return -f->err;
	return collect (libvirt_of (be), dom, domain, measure, jobs, f);
}

int libvirt_cancel (struct backend *be, const char *domain, const char *name, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autoptr (GArray) jobs = jobs_new ();
	enum work_cancel how;

	if (!dom)
		return -f->err;
	if (work_cancel (domain, name, &how))
		return cancel_ours (dom, domain, name, how, f);
	if (collect (libvirt_of (be), dom, domain, true, jobs, f) < 0)
		return -f->err;
	for (guint i = 0; i < jobs->len; i++)
		if (strcmp (g_array_index (jobs, struct job, i).name, name) == 0)
			return cancel_others (libvirt_of (be), dom, domain, &g_array_index (jobs, struct job, i), f);
	return fault (f, ENOENT, "there is no job %s", name);
}
