/* listing.h - what there is, by name: domains, moments, disks, files
 *
 * Whoever makes a listing fills it; from then on it never changes, so it is
 * shared by count and read without a lock. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct entry {
	char *name;                     /* as a path can carry it: see name_encode() */
	char *parent;                   /* the moment before it, or NULL; of a backup's disk the checkpoint it counts from */
	char *state;                    /* of a domain or a snapshot; of a backup why it ended, or NULL while it runs;
					 * of a checkpoint's disk how its bitmap is: "ok", "missing", ... */
	char *text;                     /* its description; of a domain's disk its file; of a backup's disk why it
					 * is full where others count from a checkpoint; or NULL */
	int64_t born;                   /* nanoseconds since 1970; 0: unknown */
	uint64_t size, allocated;       /* bytes; 0: unknown until it is opened */
	uint64_t thin;                  /* of a backup's disk: the bytes of its qcow2 file, as setup->thin () says */
	uint64_t nvram;                 /* of a backup: the bytes of its firmware's variables; 0: it has none */
	unsigned can;                   /* what a domain or its disk can do: bits as CAN() makes them */
	bool current;                   /* the moment the domain stands on */
	bool pushed;                    /* a backup whose files the hypervisor writes, and not we */
	bool kept, complete;            /* the checkpoint that a backup leaves stays: since the user says so, since
					 * all was read */
	bool hidden;                    /* found by its name, but not shown */
};

struct entry *entry_new (const char *name);
struct entry *entry_copy (const struct entry *);
void entry_free (void *entry);

struct listing {
	GPtrArray *entries;             /* of struct entry, in the order they came */
	GHashTable *by_name;
	int refs;
};

struct listing *listing_new (void);
struct entry *listing_add (struct listing *, struct entry *);   /* takes ENTRY over */
const struct entry *listing_find (const struct listing *, const char *name);
struct listing *listing_ref (struct listing *);
void listing_unref (struct listing *);

/* A listing that is let go at the end of the block: LISTING disks = NULL; */
static inline void listing_leave (struct listing **listing)
{
	listing_unref (*listing);
}

#define LISTING __attribute__ ((cleanup (listing_leave))) struct listing *

/* Hypervisors know names that no path can carry, as "a/b" or "..": a backend shows
 * them percent-encoded, and decodes what it is asked for; a new name has no %. */
char *name_encode (const char *real);
char *name_decode (const char *shown);
