/* nbd.h - what an NBD server offers, as an image */
#pragma once

#include "fault.h"
#include "image.h"

/* Who has the last word on an image.  A read that got the last of its data, or any while
 * there are DOUBTS, is handed over with its bytes in place, from any thread, which must not
 * wait: he calls image_done() whenever he likes. */
struct nbd_witness {
	bool doubts;            /* atomic */
	void (*testify) (struct nbd_witness *, struct image *, struct image_read *);
	void (*dismiss) (struct nbd_witness *);         /* once, when the image is no more, or never was */
};

extern unsigned nbd_patience;           /* seconds; set before there are threads */

/* What the server at the unix socket SOCKET offers as EXPORT, with all of its map: so its
 * size and what is allocated are known.  Dirty is what BITMAP says, which is the name behind
 * "qemu:dirty-bitmap:"; if it is NULL, all is.  WITNESS lives until he is dismissed, or is NULL.
 * EACCES; ETIMEDOUT where that takes longer than nbd_patience; EIO, also if there is no BITMAP.
 *
 * Reads wait as long as it takes.  Once the server has gone, or lied, all is EIO. */
int nbd_image (const char *socket, const char *export, const char *bitmap, struct nbd_witness *witness,
	       struct image **image, struct fault *);

const char *nbd_library (void);         /* the version of libnbd */
