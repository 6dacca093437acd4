/* main.c - from the command line to the mount and back */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "background.h"
#include "handle.h"
#include "kept.h"
#include "node.h"
#include "notify.h"
#include "request.h"
#include "requests.h"
#include "tree.h"
#include "within.h"

static void on_change (const char *domain)
{
	kept_forget (domain);
	notify_domain (domain);
}

/* The end has an order: a notice may wait for a request, so no more of them are
 * sent while requests are still answered, and only then the loop ends. */
struct end {
	struct fuse_session *se;
	pthread_t loop;
};

static sigset_t signals;        /* that end it */

static void *end_on_signal (void *data)
{
	const struct end *end = data;
	int signal;

	sigwait (&signals, &signal);
	notify_stop ();
	fuse_session_exit (end->se);
	pthread_kill (end->loop, SIGUSR1);
	return NULL;
}

static void wake (int signal)
{
	(void) signal;
}

static int serve (struct fuse_session *se)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create ();
	struct end end = { .se = se, .loop = pthread_self () };
	pthread_t ender;
	int r;

	sigaction (SIGUSR1, &(struct sigaction) { .sa_handler = wake }, NULL);
	notify_start (se);
	background_ready ();
	pthread_create (&ender, NULL, end_on_signal, &end);
	fuse_loop_cfg_set_max_threads (config, 256);
	fuse_loop_cfg_set_idle_threads (config, 8);
	r = fuse_session_loop_mt (se, config);
	pthread_kill (ender, SIGTERM);  /* where umount ended the loop */
	pthread_join (ender, NULL);
	fuse_session_unmount (se);
	fuse_loop_cfg_destroy (config);
	return r < 0;
}

static int mount (struct fuse_args *args, const char *mountpoint, struct backend *backend)
{
	struct fuse_session *se;
	struct place root;
	int r = 1;

	place_root (&root, tree, backend);
	nodes_init (&root);
	se = fuse_session_new (args, &requests, sizeof requests, NULL);
	if (!se)
		return 1;
	if (fuse_session_mount (se, mountpoint) == 0)
		r = serve (se);
	if (!handles_end (1))   /* a read that hangs still looks at the session */
		_exit (r);
	fuse_session_destroy (se);
	return r;
}

/* Before there is any thread, a backend's too, that could get them instead. */
static void block_signals (void)
{
	sigemptyset (&signals);
	sigaddset (&signals, SIGTERM);
	sigaddset (&signals, SIGINT);
	sigaddset (&signals, SIGHUP);
	pthread_sigmask (SIG_BLOCK, &signals, NULL);
}

struct given {
	struct look look;
	double timeout;
};

static const struct fuse_opt words[] = {
	{ "uid=%u", offsetof (struct given, look.uid), 0 },
	{ "gid=%u", offsetof (struct given, look.gid), 0 },
	{ "umask=%o", offsetof (struct given, look.umask), 0 },
	{ "timeout=%lf", offsetof (struct given, timeout), 0 },
	FUSE_OPT_END
};

int main (int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT (argc, argv);
	struct setup setup = { .source = getenv ("DOMFS_SOURCE") ?: "fake", .job_timeout = 7200, .changed = on_change };
	struct given given = { { .timeout = 1.0, .uid = getuid (), .gid = getgid () }, 30 };
	struct fuse_cmdline_opts opts = { 0 };
	struct backend *backend;
	struct fault f;
	int r;

	if (fuse_opt_parse (&args, &given, words, NULL) != 0 || fuse_parse_cmdline (&args, &opts) != 0 || !opts.mountpoint)
		return 2;
	fuse_opt_add_arg (&args, "-odefault_permissions,fsname=domfs,subtype=domfs");
	if (getenv ("DOMFS_TIMEOUT"))
		given.look.timeout = kept_for = atof (getenv ("DOMFS_TIMEOUT"));
	look = given.look;
	look.began = g_get_real_time () * 1000;
	within_seconds = given.timeout;
	within_interrupted = request_is_interrupted;
	block_signals ();
	if (!opts.foreground)
		background_begin ();
	if (backend_open (&setup, &backend, &f) < 0) {
		fprintf (stderr, "domfs: %s\n", f.text);
		return 1;
	}
	r = mount (&args, opts.mountpoint, backend);
	fuse_opt_free_args (&args);
	free (opts.mountpoint);
	if (!within_ends (1))   /* what hangs still looks at the backend */
		_exit (r);
	backend->ops->close (backend);
	return r;
}
