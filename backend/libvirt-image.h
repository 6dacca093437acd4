/* libvirt-image.h - is what the images of a domain hold what libvirt believes they hold?
 *
 * libvirt does not look before it acts, and a guest may die of it.  Images that cannot be
 * read from here are looked at by the monitor of their running guest. */
#pragma once

#include "libvirt-xml.h"
#include "libvirt.h"

/* Of DISKS, those that keep an internal snapshot of the disks KEPT; with KEPT empty or NULL, of all.
 * None where they are made of nothing: of other drivers than QEMU's. */
GPtrArray *libvirt_images (struct libvirt *, const GPtrArray *disks, const GPtrArray *kept);

/* Does each of IMAGES hold TAG just once?  0; EIO; EOPNOTSUPP if that cannot be found out. */
int libvirt_images_hold (struct libvirt *, virDomainPtr, const GPtrArray *images, const char *tag, struct fault *);

/* Does none of them hold TAG?  0; EEXIST; EOPNOTSUPP as above. */
int libvirt_images_lack (struct libvirt *, virDomainPtr, const GPtrArray *images, const char *tag, struct fault *);

/* Can each of them be read?  0; EIO; EOPNOTSUPP as above. */
int libvirt_images_readable (struct libvirt *, virDomainPtr, const GPtrArray *images, struct fault *);

/* Can QEMU open each of them, and its backing files?  0; EIO.  What cannot be reached from here is not looked at. */
int libvirt_images_open (struct libvirt *, const GPtrArray *images, struct fault *);

/* EBUSY if another process would keep a writer out of an image of a domain that is off. */
int libvirt_images_unlocked (struct libvirt *, const GPtrArray *images, struct fault *);

/* Remove TAG, of which libvirt does not know, wherever it is; as far as that can be done. */
void libvirt_images_remove (struct libvirt *, virDomainPtr, const GPtrArray *images, const char *tag);
