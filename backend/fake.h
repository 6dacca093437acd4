/* fake.h - a hypervisor made of nothing, for tests and for trying domfs out
 *
 * Domains alpha and beta, or as many as FAKE_DOMAINS says and one that is called
 * FAKE_NAME.  beta can have no backups.  To make a moment takes three seconds if
 * its name begins with "slow", or "deaf", which nothing can cancel, and fails if
 * with "bad".  To revert to one does so if its name ends like that; it needs force
 * if the name begins with "risky", and fails with errno 5 if it is "error5".  To
 * delete one takes so long if its name ends with "late".
 *
 * A checkpoint whose name begins with "torn" has lost its bitmap.
 *
 *     FAKE_DISK              what the disks hold
 *     FAKE_DIRTY             a file with data where vda has changed since any checkpoint
 *     FAKE_NVRAM             what the variables of its firmware are; else it has none
 *     FAKE_STATE             where the records are by which backups outlive the daemon
 *     FAKE_CALLS             a file that gets a line for each call
 *     FAKE_GONE              a file: while it exists, the hypervisor cannot be reached
 *     FAKE_HANG              a file that names a domain, SOURCE or "images": while it exists, that does not answer
 *     FAKE_OTHER, FAKE_QUIET a pipe: see fake-other.c; do not tell what comes through it */
#pragma once

#include <stdio.h>

#include "backend.h"
#include "lock.h"

struct guest {
	char *name, *state;
	unsigned can;
	bool cancelled;
	struct job job;
	GPtrArray *moments[N_MOMENTS];  /* of struct entry */
	GHashTable *records;            /* name of a backup -> its record, if it is ours */
};

struct fake {
	struct backend backend;
	pthread_mutex_t lock;           /* guards all of the below */
	GPtrArray *guests;
	GHashTable *by_name;
	GPtrArray *open;                /* of struct image, whose backups it may have to end */
	FILE *other;
	pthread_t listener;
};

static inline struct fake *fake_of (struct backend *backend)
{
	return (struct fake *) backend;
}

bool fake_hangs (const char *domain);

/* Every verb begins so: its guest, or NULL and a fault.  Called under the lock. */
struct guest *fake_guest (struct fake *, const char *call, const char *domain, struct fault *);

extern const struct moment_ops fake_snapshots, fake_checkpoints, fake_backups;
struct entry *fake_find (const GPtrArray *moments, const char *name);
struct entry *fake_add (struct guest *, enum moment, const char *name);
void fake_take_out (struct guest *, enum moment, struct entry *);

/* The one that runs, or NULL; end one, or all if NULL: was there any? */
const struct entry *fake_served (const struct guest *);
bool fake_end (struct fake *, struct guest *, const char *backup, const char *why);

void fake_other_begin (struct fake *);
void fake_other_end (struct fake *);

/* fake-backup.c: the verbs of backups that are theirs alone. */
int fake_backup_begin (struct guest *, const struct wish *, struct fault *);
int fake_backup_disks (struct backend *, const char *domain, const char *name, struct listing *, struct fault *);
int fake_backup_settle (struct backend *, const char *domain, const char *name, bool keeps, bool complete, struct fault *);

bool fake_backup_counts (const char *name, const char *disk);    /* from a checkpoint? */

struct image *fake_disk_image (struct fake *, const char *domain, const char *name, bool counts);
int fake_disk_open (struct backend *, const char *domain, const char *name, const char *disk,
		    struct image **, struct fault *);
uint64_t fake_disk_size (uint64_t *allocated);
uint64_t fake_nvram_size (void);
int fake_nvram (struct backend *, const char *domain, const char *name, GString *, struct fault *);
void fake_disks (struct listing *);
void fake_disk_end (struct fake *, const struct guest *, const char *name);
