/* die.c - domfs that dies in the midst of what it does
 *
 * It is linked in front of what changes something: the linker sends each call of FUNCTION
 * that is named in meson.build to __wrap_FUNCTION here.  What libvirt or a helper does has a
 * step before it and one after, since it may go on after its answer; a file has one before.
 *
 *     DOMFS_DIE=n      it ends at the n-th step, and its status is 70
 *     DOMFS_STOP=n     it stops there, until somebody sends SIGCONT
 *
 * All threads count together, from the start on. */

#include <glib.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp.h"

enum { DIED = 70 };

static bool is_due (const char *variable, int n)
{
	const char *text = getenv (variable);

	return text && atoi (text) == n;
}

static void step (void)
{
	static int steps;
	int n = __atomic_add_fetch (&steps, 1, __ATOMIC_RELAXED);

	if (is_due ("DOMFS_DIE", n))
		_exit (DIED);
	if (is_due ("DOMFS_STOP", n))
		raise (SIGSTOP);
}

#define ASK(type, function, parameters, arguments) \
	type __real_##function parameters; \
	type __wrap_##function parameters; \
	type __wrap_##function parameters \
	{ \
		type answer; \
		step (); \
		answer = __real_##function arguments; \
		step (); \
		return answer; \
	}

#define WRITE(type, function, parameters, arguments) \
	type __real_##function parameters; \
	type __wrap_##function parameters; \
	type __wrap_##function parameters \
	{ \
		step (); \
		return __real_##function arguments; \
	}

ASK (int, virDomainAbortJob, (virDomainPtr d), (d))
ASK (int, virDomainBackupBegin, (virDomainPtr d, const char *backup, const char *checkpoint, unsigned flags),
     (d, backup, checkpoint, flags))
ASK (int, virDomainBlockCommit, (virDomainPtr d, const char *disk, const char *base, const char *top,
				 unsigned long bandwidth, unsigned flags), (d, disk, base, top, bandwidth, flags))
ASK (int, virDomainBlockJobAbort, (virDomainPtr d, const char *disk, unsigned flags), (d, disk, flags))
ASK (virDomainCheckpointPtr, virDomainCheckpointCreateXML, (virDomainPtr d, const char *xml, unsigned flags),
     (d, xml, flags))
ASK (int, virDomainCheckpointDelete, (virDomainCheckpointPtr c, unsigned flags), (c, flags))
ASK (int, virDomainCreate, (virDomainPtr d), (d))
ASK (int, virDomainCreateWithFlags, (virDomainPtr d, unsigned flags), (d, flags))
ASK (int, virDomainDestroy, (virDomainPtr d), (d))
ASK (int, virDomainPMWakeup, (virDomainPtr d, unsigned flags), (d, flags))
ASK (int, virDomainQemuMonitorCommand, (virDomainPtr d, const char *command, char **result, unsigned flags),
     (d, command, result, flags))
ASK (int, virDomainReset, (virDomainPtr d, unsigned flags), (d, flags))
ASK (int, virDomainResume, (virDomainPtr d), (d))
ASK (int, virDomainRevertToSnapshot, (virDomainSnapshotPtr s, unsigned flags), (s, flags))
ASK (int, virDomainShutdown, (virDomainPtr d), (d))
ASK (virDomainSnapshotPtr, virDomainSnapshotCreateXML, (virDomainPtr d, const char *xml, unsigned flags), (d, xml, flags))
ASK (int, virDomainSnapshotDelete, (virDomainSnapshotPtr s, unsigned flags), (s, flags))
ASK (int, virDomainSuspend, (virDomainPtr d), (d))

ASK (gboolean, g_spawn_sync, (const char *directory, char **argv, char **envp, GSpawnFlags flags,
			      GSpawnChildSetupFunc setup, void *data, char **out, char **errors, int *status,
			      GError **error),
     (directory, argv, envp, flags, setup, data, out, errors, status, error))

ASK (int, qmp_ask, (struct qmp *qmp, const char *command, json_t *arguments, json_t **result, struct fault *f),
     (qmp, command, arguments, result, f))
ASK (int, pidfd_send_signal, (int pidfd, int signal, siginfo_t *info, unsigned flags), (pidfd, signal, info, flags))

WRITE (int, chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid))
WRITE (gboolean, g_file_set_contents_full, (const char *path, const char *text, gssize len, GFileSetContentsFlags flags,
					    int mode, GError **error), (path, text, len, flags, mode, error))
WRITE (int, g_mkdir_with_parents, (const char *path, int mode), (path, mode))
WRITE (int, mkdir, (const char *path, mode_t mode), (path, mode))
WRITE (char *, mkdtemp, (char *path), (path))
WRITE (int, link, (const char *from, const char *to), (from, to))
WRITE (int, rename, (const char *from, const char *to), (from, to))
WRITE (int, renameat2, (int there, const char *from, int here, const char *to, unsigned flags), (there, from, here, to, flags))
WRITE (int, rmdir, (const char *path), (path))
WRITE (int, unlink, (const char *path), (path))
WRITE (int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
