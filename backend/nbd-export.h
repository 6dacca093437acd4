/* nbd-export.h - an NBD server is reached, and tells its maps */
#pragma once

#include "extents.h"
#include "fault.h"

struct nbd_handle;

/* Of data and holes, and of what is dirty. */
enum { DATA, DIRTY, N_MAPS };

struct map {
	char *context;          /* NULL: nobody was asked, all is so */
	struct extents extents;
	bool told;              /* in the answer that is coming */
};

/* Once it is open the handle is for one thread, and the rest never changes. */
struct export {
	struct nbd_handle *handle;
	uint64_t size;
	struct map maps[N_MAPS];
	int told;               /* what became of a question, or -1 */
};

/* See nbd_image().  To be closed, even if that fails. */
int export_open (struct export *, const char *socket, const char *name, const char *bitmap, struct fault *);
void export_close (struct export *);

const struct extents *export_data (const struct export *);
void export_at (const struct export *, uint64_t at, struct extent *);
