/* main.c - from the command line to the mount and back */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "background.h"
#include "handle.h"
#include "kept.h"
#include "log.h"
#include "mountpoint.h"
#include "node.h"
#include "notify.h"
#include "qcow2.h"
#include "ready.h"
#include "request.h"
#include "session.h"
#include "tree.h"
#include "within.h"

static void on_change (const char *domain)
{
	kept_forget (domain);
	notify_domain (domain);
}

/* What the rest of the program reads of the command line. */
static void spread (struct command *command)
{
	command->setup.changed = on_change;
	command->setup.thin = qcow2_size;
	look = (struct look) { command->cache, command->uid, command->gid, command->umask, g_get_real_time () * 1000 };
	kept_for = command->cache;
	within_seconds = command->timeout;
	if (command->verbose)
		log_verbose ();
}

/* What mount(8) has mounted already has its options, and without this one modes mean nothing. */
static enum status check_open (const struct command *command, struct fault *f)
{
	if (command->default_permissions)
		return WELL;
	fault (f, EPERM, "who mounts %s for domfs must add -o default_permissions", command->mountpoint);
	return NO_MOUNTPOINT;
}

/* Is the command line right about this host? */
static enum status check (struct command *command, struct fault *f)
{
	const struct setup *setup = &command->setup;
	const char *const ours[] = { setup->state, setup->saves, setup->scratch, setup->run, command->pid_file };
	char *path;

	if (mountpoint_is_open (command->mountpoint))
		return check_open (command, f);
	if (mountpoint_find (command->mountpoint, command->nonempty, &path, f) < 0)
		return NO_MOUNTPOINT;
	command->mountpoint = path;
	if (command->allow_other && mountpoint_allows_others (f) < 0)
		return NO_MOUNTPOINT;
	for (size_t i = 0; i < G_N_ELEMENTS (ours); i++)
		if (mountpoint_spares (path, ours[i], f) < 0)
			return USAGE;
	return WELL;
}

static enum status tell_ready (const struct command *command, struct fault *f)
{
	if (ready_begin (command->pid_file, f) < 0)
		return NO_FILE;
	if (background_ready (f) < 0)
		return BROKEN;
	if (!command->foreground)
		log_to_syslog ();
	log_say (LOG_INFO, "%s is mounted on %s", command->setup.shown, command->mountpoint);
	return WELL;
}

static enum status mount_and_serve (const struct command *command, struct fault *f)
{
	enum status status = session_open (command, f);

	if (status == WELL)
		status = tell_ready (command, f);
	if (status == WELL)
		status = session_serve (f);
	session_close ();
	log_say (LOG_INFO, "%s is not mounted any more", command->mountpoint);
	return status;
}

static enum status not_reached (const struct command *command, struct fault *f)
{
	const struct fault why = *f;

	fault (f, why.err, "%s: %s", command->setup.shown, why.text);
	return NO_SOURCE;
}

static enum status run (const struct command *command, struct fault *f)
{
	struct backend *backend;
	struct place root;
	enum status status;

	session_heed_signals ();
	if (backend_open (&command->setup, &backend, f) < 0)
		return not_reached (command, f);
	place_root (&root, tree, backend);
	nodes_init (&root);
	status = mount_and_serve (command, f);
	if (!handles_end (1) || !within_ends (1)) {     /* what hangs still looks at the session and the backend */
		log_say (LOG_WARNING, "ends though the hypervisor has not answered all");
		ready_end (command->pid_file);
		_exit (status);
	}
	backend->ops->close (backend);
	session_free ();
	ready_end (command->pid_file);
	return status;
}

static enum status start (struct command *command, struct fault *f)
{
	enum status status = check (command, f);

	if (status != WELL)
		return status;
	spread (command);
	session_block_signals ();
	if (!command->foreground && background_begin (f) < 0)
		return BROKEN;
	return run (command, f);
}

static void say_versions (void)
{
	g_autoptr (GString) libraries = g_string_new (NULL);

	backend_libraries (libraries);
	printf ("domfs %s\nlibfuse %s\n%s", DOMFS_VERSION, session_library (), libraries->str);
}

int main (int argc, char **argv)
{
	static struct command command;
	struct fault f = { 0 };
	enum status status;

	(void) argc;
	setlocale (LC_CTYPE, "");
	status = command_read (&command, argv, &f);
	if (status == WELL && command.version)
		say_versions ();
	else if (status == WELL)
		status = start (&command, &f);
	if (status != WELL)
		log_say (LOG_ERR, "%s", f.text);
	return status;
}
