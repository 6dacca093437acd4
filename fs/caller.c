/* caller.c - whoever waits for an answer
 *
 * The kernel tells of an interrupt at the first signal that its receiver handles,
 * whichever that is, and never again: a shell whose child has ended, or whose window
 * has another size, would see its echo fail.  What is pending tells more, for as
 * long as the caller waits. */

#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"

#define SET(signal) (UINT64_C (1) << ((signal) - 1))

/* By default nobody ends by the ones; who handles the others ends all the same, later. */
static const uint64_t harmless = SET (SIGCHLD) | SET (SIGURG) | SET (SIGWINCH) | SET (SIGCONT) | SET (SIGSTOP) |
				 SET (SIGTSTP) | SET (SIGTTIN) | SET (SIGTTOU);
static const uint64_t ending = SET (SIGHUP) | SET (SIGINT) | SET (SIGQUIT) | SET (SIGTERM);

/* A set of signals, a bit each, as the line of STATUS that begins with NAME has it. */
static uint64_t signals_in (const char *status, const char *name)
{
	const char *line = strstr (status, name);

	return line ? strtoull (line + strlen (name), NULL, 16) : 0;
}

/* Who cannot be looked at, because it has gone or is in another namespace, does not wait for ever. */
bool caller_gives_up (pid_t thread)
{
	g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) thread), *status = NULL;
	uint64_t pending, spared;

	if (thread == 0 || !g_file_get_contents (path, &status, NULL, NULL))
		return true;
	pending = signals_in (status, "\nSigPnd:") | signals_in (status, "\nShdPnd:");
	spared = signals_in (status, "\nSigBlk:") | harmless | (signals_in (status, "\nSigCgt:") & ~ending);
	return pending & ~spared;
}
