/* clusters.h - which clusters of a disk a qcow2 file has
 *
 * Filled once; from then on it never changes, and any thread may look.  A map of N extents
 * takes at most 8 N bytes, and 40 for each 512 MiB of the disk in which there is something: 10^6
 * extents all over 64 TiB take up to 14 MB. */
#pragma once

#include <glib.h>

#include "image.h"

enum { CLUSTER_BITS = 16, CLUSTER = 1 << CLUSTER_BITS, PER_TABLE = CLUSTER / 8 };

/* ABSENT: what the backing file has, or zeroes if there is none. */
enum nature { ABSENT, ZERO, DATA };

/* The clusters that one L2 table of the file tells of. */
struct table {
	uint64_t data;          /* how many with data are before it */
	uint32_t slot;          /* of the L1 table */
	guint edge;             /* its first one */
};

struct clusters {
	GArray *tables;         /* of struct table, in order: only where there is something */
	GArray *edges;          /* of uint16_t: see clusters.c */
	uint64_t known, data;   /* how many there are, and how many of them with data */
	uint64_t last_data;     /* the last byte of the disk that is data; 0 if none */
	bool backed;
	struct extent has;      /* while it is filled: what the cluster has that is not complete yet */
};

/* Clusters START to START + LEN of the disk, in one table. */
struct stretch {
	uint64_t start, len;
	enum nature nature;
	uint64_t data;          /* how many with data are before it */
	guint table, edge;      /* where it was found */
};

/* With BACKED, those of RAW of which anything is dirty; else those with data.  If that fails,
 * there is nothing to free. */
int clusters_init (struct clusters *, struct image *raw, bool backed, struct fault *);
void clusters_free (struct clusters *);

/* The stretches of the table of that number, one after the other: false behind the last.
 * Behind them all is absent. */
struct stretch clusters_begin (const struct clusters *, guint table);
bool clusters_next (const struct clusters *, struct stretch *);

/* The first table whose slot is not below SLOT. */
guint clusters_table (const struct clusters *, uint64_t slot);

/* The one that has the Nth cluster with data, counted from 0. */
struct stretch clusters_with_data (const struct clusters *, uint64_t n);
