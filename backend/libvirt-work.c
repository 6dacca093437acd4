/* libvirt-work.c - what this mount itself does in a domain, and whose turn it is there */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "libvirt-work.h"
#include "lock.h"

enum { TURN_MS = 400 };

struct ours {
	struct job job;
	enum work_cancel how;
	bool cancelled;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards the below */
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static GHashTable *all;         /* domain -> ours */
static GHashTable *turns;       /* a set of domains: somebody asks their QEMU */

void work_begin (const char *domain, const char *operation, const char *name, enum work_cancel how)
{
	struct ours *ours = g_new0 (struct ours, 1);

	ours->how = how;
	ours->job.began = time (NULL);
	g_strlcpy (ours->job.operation, operation, sizeof ours->job.operation);
	g_strlcpy (ours->job.name, name, sizeof ours->job.name);
	g_snprintf (ours->job.owner, sizeof ours->job.owner, "domfs, pid %d", (int) getpid ());
	LOCKED (&lock);
	if (!all)
		all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert (all, g_strdup (domain), ours);
}

void work_end (const char *domain)
{
	LOCKED (&lock);

	g_hash_table_remove (all, domain);
	pthread_cond_broadcast (&news);
}

/* Called under the lock; NAME may be NULL. */
static struct ours *find (const char *domain, const char *name)
{
	struct ours *ours = all ? g_hash_table_lookup (all, domain) : NULL;

	return ours && (!name || strcmp (ours->job.name, name) == 0) ? ours : NULL;
}

bool work_add (const char *domain, GArray *jobs)
{
	LOCKED (&lock);
	const struct ours *ours = find (domain, NULL);

	if (ours)
		g_array_append_val (jobs, ours->job);
	return ours && ours->how != BY_ITSELF;
}

bool work_cancel (const char *domain, const char *name, enum work_cancel *how)
{
	LOCKED (&lock);
	struct ours *ours = find (domain, name);

	if (!ours)
		return false;
	*how = ours->how;
	ours->cancelled = *how != NOT_AT_ALL;
	pthread_cond_broadcast (&news);
	return true;
}

int work_await (const char *domain, const char *name, unsigned seconds, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;

	LOCKED (&lock);
	while (find (domain, name))
		if (!lock_wait (&news, &lock, until))
			return fault (f, ETIMEDOUT, "%s was told to end, and goes on", name);
	return 0;
}

bool work_is_cancelled (const char *domain, double seconds)
{
	gint64 until = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;

	LOCKED (&lock);
	const struct ours *ours = find (domain, NULL);

	while (ours && !ours->cancelled && lock_wait (&news, &lock, until))
		;
	return ours && ours->cancelled;
}

bool turn_begin (const char *domain)
{
	gint64 until = g_get_monotonic_time () + TURN_MS * 1000;

	LOCKED (&lock);
	if (!turns)
		turns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
	while (g_hash_table_contains (turns, domain))
		if (!lock_wait (&news, &lock, until))
			return false;
	return g_hash_table_add (turns, g_strdup (domain));
}

void turn_end (const char *domain)
{
	LOCKED (&lock);

	g_hash_table_remove (turns, domain);
	pthread_cond_broadcast (&news);
}
