/* libvirt-snapshot-image.h - the disks that a snapshot keeps, as they were then */
#pragma once

#include "libvirt.h"

/* Verbs of snapshots: see struct moment_ops.  Only disks whose bytes can be read here are listed. */
int libvirt_snapshot_disks (struct backend *, const char *domain, const char *name, struct listing *, struct fault *);
int libvirt_snapshot_open (struct backend *, const char *domain, const char *name, const char *disk,
			   struct image **, struct fault *);

/* Clear away what dead mounts have left of those they read. */
void libvirt_snapshot_images_begin (struct libvirt *);
