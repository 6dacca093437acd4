/* libvirt-job.h - what runs in a domain, whoever began it
 *
 * libvirt lets whoever comes second wait for 30 s and then fail, so everybody looks here
 * first. */
#pragma once

#include "libvirt.h"

/* 0, or EBUSY that names what runs in DOMAIN.  First what dead mounts have left there is cleared up. */
int libvirt_check_idle (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* The same, but a backup or a block job may run: the guest may run and stop then, too. */
int libvirt_check_quiet (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* The same, but a backup of a guest that runs may: checkpoints come and go beside it. */
int libvirt_check_markable (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* May DOMAIN's QEMU be asked, and that would not wait?  Changes nothing, not even what dead mounts have left. */
bool libvirt_may_ask (struct libvirt *, virDomainPtr, const char *domain);

/* The verbs: see include/backend.h. */
int libvirt_jobs (struct backend *, const char *domain, bool measure, GArray *of_job, struct fault *);
int libvirt_cancel (struct backend *, const char *domain, const char *name, struct fault *);
