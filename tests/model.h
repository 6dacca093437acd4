/* model.h - a disk that is only a rule, for tests
 *
 * As large as one likes: its bytes are computed as they are read. */
#pragma once

#include <glib.h>

#include "image.h"

/* Up to END the disk is like that: data of one GENERATION, or a hole, which has none. */
struct painted {
	uint64_t end;
	uint64_t generation;    /* 0: zeroes */
	bool data, dirty;
};

struct model {
	struct image image;
	GArray *painted;        /* of struct painted, up to the size */
	bool late;              /* reads are answered by model_answer(), the last one first */
	GPtrArray *asked;       /* of struct image_read */
};

/* A hole, nothing of which is dirty.  Closed with the last reference to its image. */
struct model *model_new (uint64_t size);
struct model *model_copy (const struct model *);

void model_paint (struct model *, uint64_t from, uint64_t to, struct painted with);     /* whose end does not count */
void model_clean (struct model *);      /* nothing is dirty any more */
void model_bytes (const struct model *, uint64_t at, size_t len, char *into);   /* zeroes behind the end */
void model_answer (struct model *);

/* The first stretch that ends behind AT. */
guint model_find (const struct model *, uint64_t at);
