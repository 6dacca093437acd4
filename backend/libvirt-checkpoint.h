/* libvirt-checkpoint.h - checkpoints under libvirt, and what backups need of them
 *
 * A checkpoint is libvirt's note of it, and a bitmap of its name in the image of each disk
 * that takes part.  The bitmaps alone say whether it is of any use.  NAME is as it is shown. */
#pragma once

#include "libvirt-xml.h"
#include "libvirt.h"
#include "qemu-bitmaps.h"
#include "record.h"

extern const struct moment_ops libvirt_checkpoints;

/* The checkpoint NAME of DOM, or NULL: ENOENT.  What it says of itself, which is the caller's; SIZED, with the
 * bytes changed since, for which libvirt asks the guest's QEMU. */
virDomainCheckpointPtr checkpoint_lookup (virDomainPtr, const char *name, struct fault *);
struct libvirt_checkpoint *checkpoint_read (virDomainCheckpointPtr, bool sized, struct fault *);

/* The names of all there are, of char *, the last one made first; it is the caller's. */
GPtrArray *checkpoint_names (virDomainPtr, struct fault *);

/* Tell libvirt of one over bitmaps that are there, as the last one made; it looks at nothing.  The caller's; or NULL. */
virDomainCheckpointPtr checkpoint_define (virDomainPtr, const char *bitmap, int64_t created,
					  const struct libvirt_mark *, size_t n, struct fault *);

/* libvirt-checkpoint-state.c: the checkpoint NAME as its images are, without waiting behind a job. */
struct checkpoint_state {
	struct libvirt_checkpoint *said;
	enum bitmap *bitmaps;   /* of each of said->disks that takes part */
};

int checkpoint_state (struct libvirt *, virDomainPtr, const char *name, struct checkpoint_state *, struct fault *);
void checkpoint_state_clear (struct checkpoint_state *);

/* How each of CHOSEN (of struct libvirt_disk) counts from the checkpoint NAME.  FULL has as many: NULL, it counts from
 * it; else the reason why it is full, which is the caller's.  ENOENT: there is none; ENODATA: a bitmap is missing or
 * inconsistent, or no disk counts from it; EBUSY: nobody can be asked now.  Of running and of stopped domains. */
int checkpoint_since (struct libvirt *, virDomainPtr, const char *name, const GPtrArray *chosen, char **full,
		      struct fault *);

/* Is each of its bitmaps there, and right?  EIO. */
int checkpoint_verify (struct libvirt *, virDomainPtr, const char *name, struct fault *);

/* libvirt-checkpoint-make.c: can DISK have a bitmap, and keep it? */
bool checkpoint_can_mark (struct libvirt *, virDomainPtr, const struct libvirt_disk *);

/* Of DISKS (of struct libvirt_disk: all that DOM has), is none in the way of a checkpoint NAME?  EEXIST if libvirt has
 * one, or an image a bitmap. */
int checkpoint_check_new (struct libvirt *, virDomainPtr, const GPtrArray *disks, const char *name, struct fault *);

/* The <domaincheckpoint> of a new one, for libvirt: each of DISKS is named, with a bitmap if it is one of WHICH, as
 * options/disks has it, and can have one.  It is the caller's; or NULL: EOPNOTSUPP, none can. */
char *checkpoint_xml_for (struct libvirt *, virDomainPtr, const GPtrArray *disks, const char *which, const char *name,
			  struct fault *);

/* The same made of a domain that is off, after checkpoint_check_new(): all of it, or nothing.  EBUSY: another process
 * has an image open. */
int checkpoint_add_stopped (struct libvirt *, virDomainPtr, const GPtrArray *disks, const char *which, const char *name,
			    struct fault *);

/* libvirt-checkpoint-drop.c: get rid of it, whatever state it is in.  ENOENT; EBUSY, something runs in the guest, or
 * another process has an image open that holds a bitmap of it. */
int checkpoint_remove (struct libvirt *, virDomainPtr, const char *name, struct fault *);

/* A record of one says that what there is of it is to go: it is made before the first step of making or removing it,
 * and finished after the last.  TARGETS are the disks that may hold bitmaps. */
int checkpoint_doom (struct libvirt *, virDomainPtr, const char *name, int64_t created, const GPtrArray *targets,
		     struct record **, struct fault *);

/* Do what a record says, and finish it; if that cannot be done now, it is left to the next change of the domain. */
void checkpoint_undo (struct libvirt *, virDomainPtr, const char *name, struct record *);

/* The same for those of dead mounts. */
void checkpoint_adopt (struct libvirt *, virDomainPtr);
