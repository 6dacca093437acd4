/* libvirt-snapshot.h - snapshots under libvirt; see include/moments.h */
#pragma once

#include "libvirt-xml.h"
#include "libvirt.h"

extern const struct moment_ops libvirt_snapshots;

/* The snapshot NAME, as it is shown, of DOM; or NULL and a fault. */
virDomainSnapshotPtr libvirt_snapshot (virDomainPtr dom, const char *name, struct fault *);

/* What it says of itself, which is the caller's; or NULL and a fault. */
struct libvirt_snapshot *libvirt_snapshot_read (virDomainSnapshotPtr, struct fault *);

/* 0 if snapshots of DOMAIN may be made, deleted and gone back to now; else EBUSY. */
int libvirt_check_changeable (struct libvirt *, virDomainPtr, const char *domain, struct fault *);

/* libvirt-make.c and libvirt-revert.c */
int libvirt_snapshot_make (struct backend *, const char *domain, struct wish *, struct fault *);
int libvirt_snapshot_revert (struct backend *, const char *domain, struct wish *, struct fault *);
