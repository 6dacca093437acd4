/* libvirt-job.h - what runs in a domain, whoever began it
 *
 * libvirt lets whoever comes second wait for 30 s and then fail, so everybody looks here
 * first.  libvirt's jobs have no owner: what this mount does itself is noted here. */
#pragma once

#include "libvirt.h"

/* 0, or EBUSY that names what runs in DOMAIN, which a change would wait for. */
int libvirt_check_idle (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* The same, but a backup may run. */
int libvirt_check_quiet (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* This mount does OPERATION to the moment NAME of DOMAIN, from here to libvirt_job_over(); it
 * can be CANCELLED by what, or by nothing. */
enum libvirt_cancel { NOT_AT_ALL, BY_ABORT, BY_ITSELF };

void libvirt_job_begun (const char *domain, const char *operation, const char *name, enum libvirt_cancel);
void libvirt_job_over (const char *domain);

/* Did somebody cancel what runs in DOMAIN?  Waits SECONDS for that. */
bool libvirt_job_cancelled (const char *domain, double seconds);

/* The verbs. */
int libvirt_jobs (struct backend *, const char *domain, bool measure, GArray *of_job, struct fault *);
int libvirt_cancel (struct backend *, const char *domain, const char *name, struct fault *);
