/* image.h - the bytes of one file, wherever they come from */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault;
struct image;

/* One read in flight.  The caller owns it until done() is called, once, from
 * any thread, with 0 or an errno.  LEN never runs past the image's size. */
struct image_read {
	uint64_t offset;
	size_t len;
	void *into;
	void (*done) (struct image_read *, int err);
};

/* A stretch of an image, as far as it stays the same. */
struct extent {
	uint64_t len;
	bool data;              /* false: reads as zeroes */
	bool dirty;             /* changed since the checkpoint it was opened for; if for none, all is */
};

/* None of these blocks: the map is in memory, and close waits for no server. */
struct image_ops {
	void (*read) (struct image *, struct image_read *);     /* answers by image_done() */
	int (*extent) (struct image *, uint64_t at, struct extent *, struct fault *);   /* may be NULL */
	int (*needed) (struct image *, uint64_t at, struct extent *, struct fault *);   /* may be NULL */
	void (*close) (struct image *);
};

/* Embed this first; image_ref() and image_unref() count its users. */
struct image {
	const struct image_ops *ops;
	uint64_t size;          /* fixed for the image's life */
	uint64_t allocated;     /* without holes, for st_blocks: cp looks for holes where it is less */
	int refs;
	bool ended;
};

struct image *image_ref (struct image *);
void image_unref (struct image *);

/* A hypervisor serves live data for a moment after a backup has ended, and says
 * nothing.  So a backend calls image_end() before it ends what an image shows,
 * and from then on all is EIO, also what was asked before. */
void image_end (struct image *);
void image_read (struct image *, struct image_read *);
void image_done (struct image *, struct image_read *, int err);

/* What is AT, which is less than the size: all is data where that is not known. */
int image_extent (struct image *, uint64_t at, struct extent *, struct fault *);

/* Must whoever wants all of an image read what is AT?  That is what "data" says here, as far
 * as LEN; "dirty" says nothing.  Not holes, nor what only a repair of the file would look at. */
int image_needed (struct image *, uint64_t at, struct extent *, struct fault *);
