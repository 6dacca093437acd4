/* libvirt-overlay.h - the files that an external snapshot makes beside the images
 *
 * OVERLAYS are of char *, in the order of DISKS, NULL where no overlay is made. */
#pragma once

#include "libvirt-xml.h"
#include "libvirt.h"

/* Where the overlay of DISK for the snapshot NAME lies, which is the caller's.  CURRENT is what the domain
 * stands on, or NULL.  It is neither there (unless that cannot be seen: REMOTE) nor among OTHERS: EEXIST;
 * ENAMETOOLONG; EOPNOTSUPP if it has no place. */
int libvirt_overlay_path (const struct libvirt_disk *, const char *current, const char *name,
			  const GPtrArray *others, bool remote, char **path, struct fault *);

/* Does the domain write to OVERLAYS now?  0, or EIO. */
int libvirt_overlay_verify (virDomainPtr, const GPtrArray *disks, const GPtrArray *overlays, struct fault *);

/* Merge those of OVERLAYS that a running domain writes to back into DISKS, as they were, and unlink them. */
void libvirt_overlay_undo (virDomainPtr, const GPtrArray *disks, const GPtrArray *overlays);
