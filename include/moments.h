/* moments.h - the verbs of one kind of moment
 *
 * NAME is of a moment, DOMAIN of its domain.  What a backend cannot do is NULL. */
#pragma once

#include "fault.h"
#include "image.h"
#include "listing.h"
#include "wish.h"

struct backend;

struct moment_ops {
	int (*list) (struct backend *, const char *domain, struct listing *, struct fault *);
	int (*make) (struct backend *, const char *domain, struct wish *, struct fault *);
	int (*drop) (struct backend *, const char *domain, struct wish *, struct fault *);
	int (*revert) (struct backend *, const char *domain, struct wish *, struct fault *);
	int (*describe) (struct backend *, const char *domain, const char *name, const char *text, struct fault *);
	int (*xml) (struct backend *, const char *domain, const char *name, GString *, struct fault *);
	/* The definition of the domain as it was then. */
	int (*domain_xml) (struct backend *, const char *domain, const char *name, GString *, struct fault *);
	/* The variables of its firmware as they were then: of any bytes, as many as the entry says. */
	int (*nvram) (struct backend *, const char *domain, const char *name, GString *, struct fault *);
	/* The disks one can read, with size and allocated known; of a moment that has ended, too.  Of a
	 * checkpoint all that its definition names, "none" the state of those without a bitmap; asks no guest. */
	int (*disks) (struct backend *, const char *domain, const char *name, struct listing *, struct fault *);
	/* The same of a checkpoint, with the state of each bitmap: never waits behind a job. */
	int (*status) (struct backend *, const char *domain, const char *name, struct listing *, struct fault *);
	/* How much changed in each disk since a checkpoint, as its size; what is unknown is not listed.
	 * May wait behind a job. */
	int (*changed) (struct backend *, const char *domain, const char *name, struct listing *, struct fault *);
	/* The checkpoint that a backup leaves stays, whatever ends it: since the user KEEPS it, since all
	 * was read and it is COMPLETE.  EBUSY if it is another mount's. */
	int (*settle) (struct backend *, const char *domain, const char *name, bool keeps, bool complete, struct fault *);
	/* DISK of it; of a backup, what is dirty has changed since the checkpoint that the disk counts from. */
	int (*open) (struct backend *, const char *domain, const char *name, const char *disk,
		     struct image **, struct fault *);
};
