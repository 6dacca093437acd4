/* qemu-daemon.c - programs of QEMU's that outlive who started them
 *
 * A pid alone may be another process's by now, and so may one with a start time between
 * the look and the signal.  The kernel tells who holds the lock on a pid file, and a
 * pidfd is of one process only, so that is what is asked, before and after. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "qemu-daemon.h"

enum { PATIENCE_MS = 20000 };

/* Between fork and exec, when all files are about to be closed.  What we block, it shall hear. */
static void prepare (void *data)
{
	const GArray *held = data;
	sigset_t none;

	for (guint i = 0; i < held->len; i++)
		fcntl (g_array_index (held, int, i), F_SETFD, 0);
	sigemptyset (&none);
	sigprocmask (SIG_SETMASK, &none, NULL);
}

/* What a program says comes a line each, behind its name. */
static int refuse (const char *program, char *errors, struct fault *f)
{
	g_autofree char *prefix = g_strdup_printf ("%s: ", program);
	const char *sentence = g_strdelimit (g_strchomp (errors), "\n\r", ' ');

	if (g_str_has_prefix (sentence, prefix))
		sentence += strlen (prefix);
	return fault (f, strstr (sentence, "Failed to get") && strstr (sentence, "lock") ? EBUSY : EIO, "%s: %s",
		      program, *sentence ? sentence : "it ended without a word");
}

int qemu_daemon_start (const char *const argv[], const GArray *held, struct fault *f)
{
	g_autofree char *errors = NULL;
	g_autoptr (GError) error = NULL;
	int status;

	if (!g_spawn_sync ("/", (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, prepare,
			   (void *) held, NULL, &errors, &status, &error))
		return fault (f, EOPNOTSUPP, "%s cannot be run: %s", argv[0], error->message);
	return g_spawn_check_wait_status (status, NULL) ? 0 : refuse (argv[0], errors, f);
}

pid_t qemu_daemon_pid (const char *pid_file)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open (pid_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool held;

	if (fd < 0)
		return 0;
	held = fcntl (fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
	close (fd);
	return held ? MAX (whole.l_pid, 0) : 0;
}

/* Who is PID, if that still holds PID_FILE. */
static int hold (const char *pid_file, pid_t pid)
{
	int fd = pid > 0 ? pidfd_open (pid, 0) : -1;

	if (fd < 0 || qemu_daemon_pid (pid_file) == pid)
		return fd;
	close (fd);
	return -1;
}

static int await_end (int fd, pid_t pid, struct fault *f)
{
	struct pollfd end = { fd, POLLIN, 0 };

	if (poll (&end, 1, PATIENCE_MS) > 0)
		return 0;
	return fault (f, ETIMEDOUT, "the process %d was told to end, and goes on", (int) pid);
}

int qemu_daemon_end (const char *pid_file, struct fault *f)
{
	pid_t pid = qemu_daemon_pid (pid_file);
	int fd = hold (pid_file, pid), r = 0;

	if (fd < 0)
		return 0;
	if (pidfd_send_signal (fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		r = fault (f, errno, "the process %d cannot be ended: %s", (int) pid, g_strerror (errno));
	if (r == 0)
		r = await_end (fd, pid, f);
	close (fd);
	return r;
}
