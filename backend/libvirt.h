/* libvirt.h - what the files of the libvirt backend share
 *
 * Handles of libvirt live within one call: each is had from the functions below,
 * held by g_autoptr, and let go before the call returns. */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "backend.h"
#include "libvirt-error.h"
#include "lock.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virConnect, virConnectClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomainSnapshot, virDomainSnapshotFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomainCheckpoint, virDomainCheckpointFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virNetwork, virNetworkFree)

/* What is at the other end, known from the first connection on. */
struct hypervisor {
	char driver[16];                /* "QEMU", "TEST", ... as virConnectGetType() says */
	unsigned long library, version; /* 9000000 is 9.0.0 */
	bool remote;                    /* its files and sockets are not here */
	bool in_process;                /* there is no daemon at all */
	bool backups;                   /* <backup supported='yes'/> */
	bool external_revert;           /* <externalSnapshot/> */
};

struct libvirt {
	struct backend backend;
	const struct libvirt_backup_ops *backups;       /* NULL: there are none here */
	pthread_mutex_t lock;           /* guards the below */
	pthread_cond_t woken;
	virConnectPtr conn;             /* NULL: not reached */
	bool lost, ending;
	char why[192];                  /* it cannot be reached */
	struct hypervisor at;
	pthread_t keeper, loop;
	int timer;                      /* wakes the loop */
};

static inline struct libvirt *libvirt_of (struct backend *backend)
{
	return (struct libvirt *) backend;
}

/* What libvirt-backup.c does for the others. */
struct libvirt_backup_ops {
	struct moment_ops moments;
	/* The domain UUID has no job any more, or it may have ended while we were not connected (UUID
	 * is NULL then).  In the event thread or the keeper's: ask libvirt nothing here. */
	void (*ended) (struct libvirt *, const char *uuid);
	/* What runs in DOMAIN may be a backup of ours: then make JOB that one.  Never waits behind a job. */
	void (*whose) (struct libvirt *, virDomainPtr domain, struct job *job);
	/* Add the backups of DOMAIN to JOBS that libvirt has not told of.  Never waits behind a job. */
	void (*noted) (struct libvirt *, virDomainPtr domain, GArray *of_job);
	/* End the backup NAME, as the user asked; waits until it has ended. */
	int (*cancel) (struct libvirt *, const char *domain, const char *name, struct fault *);
	/* Before any change of a domain: own, finish or undo what dead mounts have left of it. */
	void (*adopt) (struct libvirt *, virDomainPtr);
	/* Serve none any more; their jobs go on.  False: something hangs, and LIBVIRT must stay. */
	bool (*end) (struct libvirt *);
};

/* If there are backups here, offer them, and adopt what dead mounts have left. */
void libvirt_backups_begin (struct libvirt *);

/* libvirt-connection.c: reach it once, then keep it reached. */
int libvirt_reach (struct libvirt *, struct fault *);
bool libvirt_leave (struct libvirt *);  /* false: something of it hangs, and LIBVIRT must stay */

/* A connection for this thread alone, one count of it; or NULL, and at once ENOTCONN while it cannot be reached. */
virConnectPtr libvirt_connection (struct libvirt *, struct fault *);

/* DOMAIN as it is shown, or NULL and a fault: ENOENT if there is none. */
virDomainPtr libvirt_domain (struct libvirt *, const char *domain, struct fault *);
virDomainPtr libvirt_domain_by_uuid (struct libvirt *, const char *uuid, struct fault *);

/* A copy of what is known of the other end. */
struct hypervisor libvirt_hypervisor (struct libvirt *);

/* libvirt-events.c: tell of events from now on, into IDS; and no more. */
void libvirt_listen (struct libvirt *, virConnectPtr, GArray *ids);
void libvirt_unlisten (virConnectPtr, GArray *ids);
