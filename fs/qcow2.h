/* qcow2.h - a qcow2 file that exists only while it is read */
#pragma once

#include "image.h"

/* Wrap RAW, which it takes over even if it fails, as qcow2: with the name of a BACKING file,
 * whose format is qcow2, only its dirty clusters.  Once RAW has ended, this has too.  EFBIG
 * where QEMU would not open it, which is beyond 2 PiB.  See clusters.h for the memory it takes. */
int qcow2_image (struct image *raw, const char *backing, struct image **, struct fault *);

/* How large that file is, whatever the name of what it is BACKED by.  Reads the whole map. */
int qcow2_size (struct image *raw, bool backed, uint64_t *size, struct fault *);
