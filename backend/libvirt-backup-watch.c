/* libvirt-backup-watch.c - the end of a backup's job
 *
 * A thread for each backup, since a look at one may hang.  Events wake it, but what
 * happens while libvirt is down has none, and one that comes late may tell of the job
 * before: so only a look at the job says whether it is there. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-push.h"
#include "libvirt-backup-stopped.h"

enum {
	TICK_US = 200000, LOOK_US = 1000000, NAP_US = 1000000,
	STRAY_US = 300000,      /* until libvirtd has begun what a dead client has asked for */
};

/* Until there may be something to do, as to LOOK at the job; false: it is to stop. */
static bool await_turn (struct served *served, gint64 looked, bool *look)
{
	LOCKED (&served->lock);
	gint64 now = g_get_monotonic_time (), due = served_due (served);
	gint64 until = due > now ? MIN (due, now + TICK_US) : now + TICK_US;

	while (!served->stopping && !served->ended && !served->kicked && lock_wait (&served->news, &served->lock, until))
		;
	now = g_get_monotonic_time ();
	*look = served->kicked || served_due (served) <= now || now - looked >= LOOK_US;
	served->kicked = false;
	return !served->stopping && !served->ended;
}

void backup_note_end (struct served *served, const char *why)
{
	struct records of = backup_records (served->lv, served->uuid);
	struct record *record = served_end (served);
	struct fault ignored;

	if (record) {
		if (!backup_has (&of, served->name, "complete"))
			backup_pushed_remove (&of, served->name);
		backup_socket_remove (served->socket, served->directory);       /* of what has ended nobody looks for them */
		backup_scratch_remove (served->scratch);
		record_put (record, "ended", why, &ignored);
		served->lv->backend.setup->changed (served->domain);
		backup_fate (served->lv, &of, served->name, record, &ignored);
		record_leave (record);
	}
	served->lv->backend.setup->changed (served->domain);
}

static bool await_nap (struct served *served)
{
	LOCKED (&served->lock);
	gint64 until = g_get_monotonic_time () + NAP_US;

	while (!served->stopping && lock_wait (&served->news, &served->lock, until))
		;
	return !served->stopping;
}

/* What could not be done about its checkpoint is tried again, by whoever has the record. */
static void see_to_fate (struct served *served)
{
	struct records of = backup_records (served->lv, served->uuid);

	while (!served->stray && backup_fate_is_open (&of, served->name) && await_nap (served))
		backup_adopt_one (served->lv, served->uuid, served->name);
}

/* What could not be found out now is tried again soon. */
static void end_push (struct served *served)
{
	struct fault f;
	int r = backup_pushed (served, &f);

	if (r != -ENOTCONN && r != -EBUSY)
		backup_note_end (served, r == 0 ? "complete" : f.text);
}

/* Also if it has ended by itself, and left something.  If that fails, it is tried again soon. */
static bool end (struct served *served, const char *why)
{
	struct fault f;

	served_close (served);
	if (backup_end (served, &f) < 0)
		return false;
	backup_note_end (served, why);
	return true;
}

static void look (struct served *served)
{
	gint64 asked = g_get_monotonic_time ();
	enum backup_job job = backup_job (served->lv, served->uuid, served->socket);

	served->seen |= job == JOB_THERE;
	if (job == JOB_THERE)
		served_confirm (served, asked);
	if (job == JOB_GONE && served->target) {
		end_push (served);
		return;
	}
	if (job == JOB_THERE && backup_is_stopped (served->socket) && backup_job_is_orphan (served->lv, served->uuid))
		end (served, "the domain was undefined");
	if (job == JOB_GONE)
		end (served, backup_job_why (served->lv, served->uuid, served->socket, served->id));
}

/* How long nobody has had it open; OPENED is when somebody had. */
static bool is_forgotten (struct served *served, gint64 *opened)
{
	unsigned timeout = served->lv->backend.setup->job_timeout;
	gint64 now = g_get_monotonic_time ();

	if (*opened == 0 || served_is_open (served))
		*opened = now;
	return timeout > 0 && now - *opened >= timeout * G_USEC_PER_SEC;
}

static void keep_limits (struct served *served, gint64 *opened)
{
	g_autofree char *full = backup_scratch_full (served->scratch);
	g_autofree char *forgotten = NULL;

	if (full)
		end (served, full);
	if (full || served->target || !is_forgotten (served, opened))
		return;
	forgotten = g_strdup_printf ("nobody had it open for %u s", served->lv->backend.setup->job_timeout);
	end (served, forgotten);
}

/* Will no job come of a stray any more?  Nothing must have been going on for a while: QUIET is since when. */
static bool is_over (struct served *served, enum backup_job job, gint64 *quiet)
{
	gint64 now = g_get_monotonic_time ();

	if (job == JOB_UNKNOWN || backup_job_is_coming (served->lv, served->uuid))
		*quiet = 0;
	else if (*quiet == 0)
		*quiet = now;
	return *quiet > 0 && now - *quiet >= STRAY_US;
}

/* What comes of a stray at last is ended. */
static void undo (struct served *served, gint64 *quiet)
{
	enum backup_job job = backup_job (served->lv, served->uuid, served->socket);
	struct records of = backup_records (served->lv, served->uuid);
	struct record *record;
	struct fault ignored;

	if (job != JOB_THERE && !is_over (served, job, quiet))
		return;
	if (backup_end (served, &ignored) < 0 ||
	    backup_fate_undo (served->lv, &of, served->name, &ignored) < 0)
		return;
	record = served_end (served);
	backup_socket_remove (served->socket, served->directory);
	backup_scratch_remove (served->scratch);
	backup_pushed_remove (&of, served->name);
	if (record)
		record_finish (record);
}

static void leave (struct served *served)
{
	served_forget (served);
	pthread_mutex_lock (&served->lock);
	served->watched = false;
	pthread_cond_broadcast (&served->news);
	pthread_mutex_unlock (&served->lock);
	served_unref (served);
}

void *served_watch (void *data)
{
	struct served *served = data;
	gint64 looked = 0, opened = 0, quiet = 0;
	bool is_time;

	while (await_turn (served, looked, &is_time)) {
		if (served->stray) {
			undo (served, &quiet);
			continue;
		}
		if (served_is_ours (served))
			keep_limits (served, &opened);
		if (!is_time)
			continue;
		looked = g_get_monotonic_time ();
		look (served);
	}
	see_to_fate (served);
	leave (served);
	return NULL;
}
