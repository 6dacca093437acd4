/* liar.h - an NBD server that lies, for tests */
#pragma once

#include <stdint.h>

struct lies {
	uint64_t size;
	uint32_t status_len;    /* of the extents it tells; 0 is never true */
	uint32_t status_copies; /* how many of them in an answer */
	uint32_t short_by;      /* bytes it leaves out of each read */
	int mute;               /* it says nothing at all */
	const char *bitmap;     /* a context beside base:allocation, or NULL */
	uint32_t bitmap_id;     /* which it tells as that of the number 2: 0 for the truth */
	uint32_t bitmap_len;    /* every other stretch of so much is dirty, from the first on */
	uint32_t bitmap_copies; /* how many of them in an answer */
	uint32_t bitmap_times;  /* how often in an answer */
	int bitmap_first;       /* it comes before base:allocation, wherever both come */
};

/* Serve one client at the unix socket PATH, in a thread that ends with that client. */
void liar_begin (const char *path, const struct lies *);
void liar_end (void);
