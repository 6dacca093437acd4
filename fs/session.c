/* session.c - the mount, from the kernel's first request to the last
 *
 * The end has an order: a notice may wait for a request, so no more of them are
 * sent while requests are still answered; who waits for a hypervisor is told to
 * give up; and only then the loop ends. */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"
#include "notify.h"
#include "ready.h"
#include "request.h"
#include "requests.h"
#include "session.h"
#include "within.h"

enum { THREADS = 256, IDLE_THREADS = 8 };

static sigset_t signals;        /* that end it */
static pthread_t ender, loop;
static bool ending, over;       /* atomic */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fuse_session *session;    /* NULL: nothing is mounted */

const char *session_library (void)
{
	return fuse_pkgversion ();
}

void session_block_signals (void)
{
	sigemptyset (&signals);
	sigaddset (&signals, SIGTERM);
	sigaddset (&signals, SIGINT);
	sigaddset (&signals, SIGHUP);
	pthread_sigmask (SIG_BLOCK, &signals, NULL);
	signal (SIGPIPE, SIG_IGN);      /* a socket that was closed is an error like others */
}

/* The session that ends now; if there is none, all does. */
static struct fuse_session *session_to_end (int number)
{
	LOCKED (&lock);

	if (!session)
		_exit (128 + number);
	return session;
}

static void *heed (void *unused)
{
	struct fuse_session *se;
	int number;

	sigwait (&signals, &number);
	se = session_to_end (number);
	__atomic_store_n (&ending, true, __ATOMIC_RELEASE);
	ready_stop ();
	notify_stop ();
	fuse_session_exit (se);
	while (!__atomic_load_n (&over, __ATOMIC_ACQUIRE)) {
		pthread_kill (loop, SIGUSR1);   /* once could be just before it waits */
		g_usleep (G_USEC_PER_SEC / 50);
	}
	return unused;
}

static void wake (int number)
{
	(void) number;
}

void session_heed_signals (void)
{
	loop = pthread_self ();
	sigaction (SIGUSR1, &(struct sigaction) { .sa_handler = wake }, NULL);
	pthread_create (&ender, NULL, heed, NULL);
}

static bool is_interrupted (void)
{
	return __atomic_load_n (&ending, __ATOMIC_ACQUIRE) || request_is_interrupted ();
}

static void from_fuse (enum fuse_log_level level, const char *format, va_list args)
{
	log_say_all (level, format, args);
}

/* As the table of mounts will show it. */
static struct fuse_session *new_session (const struct command *command)
{
	struct fuse_args args = FUSE_ARGS_INIT (0, NULL);
	g_autofree char *name = g_strconcat ("fsname=", command->setup.shown, NULL);
	char *words = NULL;
	struct fuse_session *se;

	fuse_opt_add_opt (&words, "default_permissions,nodev,nosuid,noexec,subtype=domfs");
	fuse_opt_add_opt_escaped (&words, name);
	fuse_opt_add_opt (&words, command->setup.read_only ? "ro" : "rw");
	if (command->allow_other)
		fuse_opt_add_opt (&words, "allow_other");
	if (command->debug)
		fuse_opt_add_opt (&words, "debug");
	else
		fuse_set_log_func (from_fuse);
	fuse_opt_add_arg (&args, "domfs");
	fuse_opt_add_arg (&args, "-o");
	fuse_opt_add_arg (&args, words);
	se = fuse_session_new (&args, &requests, sizeof requests, NULL);
	fuse_opt_free_args (&args);
	free (words);
	return se;
}

static void begin (struct fuse_session *se)
{
	LOCKED (&lock);

	notify_start (se);
	session = se;
}

/* The kernel's first request tells what it can; once that is answered the mount answers. */
static bool greet (void)
{
	struct fuse_buf buf = { 0 };
	int r = fuse_session_receive_buf (session, &buf);

	if (r > 0)
		fuse_session_process_buf (session, &buf);
	free (buf.mem);
	return r > 0;
}

enum status session_open (const struct command *command, struct fault *f)
{
	struct fuse_session *se = new_session (command);

	if (!se) {
		fault (f, EINVAL, "libfuse does not know one of its options");
		return NO_FUSE;
	}
	within_interrupted = is_interrupted;
	begin (se);
	if (fuse_session_mount (se, command->mountpoint) == 0 && greet ())
		return WELL;
	fault (f, EIO, "%s was not mounted on", command->mountpoint);
	return NO_FUSE;
}

enum status session_serve (struct fault *f)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create ();
	int r;

	fuse_loop_cfg_set_max_threads (config, THREADS);
	fuse_loop_cfg_set_idle_threads (config, IDLE_THREADS);
	r = fuse_session_loop_mt (session, config);
	fuse_loop_cfg_destroy (config);
	if (r >= 0)
		return WELL;
	fault (f, -r, "the kernel broke it off: %s", g_strerror (-r));
	return BROKEN;
}

void session_close (void)
{
	__atomic_store_n (&over, true, __ATOMIC_RELEASE);
	pthread_kill (ender, SIGTERM);  /* where no signal ended it */
	pthread_join (ender, NULL);
	fuse_session_unmount (session);
}

void session_free (void)
{
	fuse_session_destroy (session);
}
