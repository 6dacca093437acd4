/* log.c - what administrators read: stderr in the foreground, else syslog */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"

/* A walker that meets a dead hypervisor fails a thousand times a second. */
enum { BURST = 200, PER_SECOND = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards all of the below */
static bool verbose, syslogged;
static double left = BURST;     /* lines that may still be said now */
static gint64 counted;          /* when LEFT was */
static unsigned missed;

void log_verbose (void)
{
	LOCKED (&lock);
	verbose = true;
}

void log_to_syslog (void)
{
	LOCKED (&lock);
	openlog ("domfs", LOG_PID, LOG_DAEMON);
	syslogged = true;
}

/* Does journald read our stderr, and so a priority at the head of each line?  Others inherit the name of its stream. */
static bool is_journal (void)
{
	const char *stream = getenv ("JOURNAL_STREAM");
	unsigned long device, inode;
	struct stat st;

	return stream && sscanf (stream, "%lu:%lu", &device, &inode) == 2 && fstat (STDERR_FILENO, &st) == 0
	       && st.st_dev == device && st.st_ino == inode;
}

static void put (int priority, const char *text)
{
	if (syslogged)
		syslog (priority, "%s", text);
	else if (is_journal ())
		fprintf (stderr, "<%d>%s\n", priority, text);
	else
		fprintf (stderr, "domfs: %s\n", text);
}

static bool may_say (void)
{
	gint64 now = g_get_monotonic_time ();

	left = MIN (BURST, left + (double) (now - counted) * PER_SECOND / G_USEC_PER_SEC);
	counted = now;
	if (left < 1) {
		missed++;
		return false;
	}
	left--;
	return true;
}

static void put_missed (void)
{
	g_autofree char *text = g_strdup_printf ("%u lines were left out: they came too fast", missed);

	if (missed > 0)
		put (LOG_WARNING, text);
	missed = 0;
}

void log_say_all (int priority, const char *format, va_list args)
{
	g_autofree char *text = g_strchomp (g_strdup_vprintf (format, args));

	LOCKED (&lock);
	if ((priority >= LOG_INFO && !verbose) || !may_say ())
		return;
	put_missed ();
	put (priority, text);
}

void log_say (int priority, const char *format, ...)
{
	va_list args;

	va_start (args, format);
	log_say_all (priority, format, args);
	va_end (args);
}
