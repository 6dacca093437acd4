/* libvirt-work.h - what this mount itself does in a domain, and whose turn it is there
 *
 * libvirt's jobs have no owner, so what we begin is noted here.  A domain has one change
 * at a time, so one note is enough. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "fault.h"

/* How what runs can be ended: by virDomainAbortJob(), or because it looks whether it should. */
enum work_cancel { NOT_AT_ALL, BY_ABORT, BY_ITSELF };

/* OPERATION is done to the moment NAME of DOMAIN, from here to work_end(). */
void work_begin (const char *domain, const char *operation, const char *name, enum work_cancel);
void work_end (const char *domain);

/* Add it to JOBS, if there is any: does it hold libvirt's job of the domain? */
bool work_add (const char *domain, GArray *of_job);

/* Note that NAME is to end, and say HOW; false: that is not ours.  Then wait for its end. */
bool work_cancel (const char *domain, const char *name, enum work_cancel *how);
int work_await (const char *domain, const char *name, unsigned seconds, struct fault *);

/* Is what runs in DOMAIN to end?  Waits up to SECONDS for that. */
bool work_is_cancelled (const char *domain, double seconds);

/* What asks the guest's QEMU may never return, and libvirtd has twenty threads for all: one by one, then.
 * False: somebody's turn takes too long. */
bool turn_begin (const char *domain);
void turn_end (const char *domain);
