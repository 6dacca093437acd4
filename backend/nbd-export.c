/* nbd-export.c - an NBD server is reached, and tells its maps
 *
 * They are asked for once: a fleecing export never changes.  The server is not trusted: its
 * maps may lead nowhere, and libnbd 1.14 passes that on. */

#include <errno.h>
#include <string.h>

#include <libnbd.h>

#include "nbd-export.h"
#include "nbd.h"

static const uint64_t max_status = 1u << 31;    /* per block status request, whose length has 32 bits */
static const uint32_t dirty = 1;                /* in a bitmap's status; libnbd has no name for it */

unsigned nbd_patience = 60;

static int said (struct fault *f)
{
	return fault (f, nbd_get_errno () == EACCES ? EACCES : EIO, "NBD: %s", nbd_get_error ());
}

/* One step of what is under way. */
static int advance (struct export *export, gint64 until, struct fault *f)
{
	gint64 left = (until - g_get_monotonic_time ()) / 1000;

	if (left <= 0)
		return fault (f, ETIMEDOUT, "the NBD server did not tell its map within %u s", nbd_patience);
	return nbd_poll (export->handle, left) < 0 ? said (f) : 0;
}

static int name_maps (struct export *export, const char *bitmap, struct fault *f)
{
	export->maps[DATA].context = g_strdup (LIBNBD_CONTEXT_BASE_ALLOCATION);
	export->maps[DIRTY].context = bitmap ? g_strconcat ("qemu:dirty-bitmap:", bitmap, NULL) : NULL;
	for (struct map *map = export->maps; map < export->maps + N_MAPS; map++)
		if (map->context && nbd_add_meta_context (export->handle, map->context) < 0)
			return said (f);
	return 0;
}

static int reach (struct export *export, const char *socket, const char *name, gint64 until, struct fault *f)
{
	int64_t size;
	int r = 0;

	if (nbd_set_export_name (export->handle, name) < 0 ||
	    nbd_set_request_block_size (export->handle, false) < 0 ||      /* then any offset will do */
	    nbd_aio_connect_unix (export->handle, socket) < 0)
		return said (f);
	while (r == 0 && nbd_aio_is_connecting (export->handle))
		r = advance (export, until, f);
	if (r < 0)
		return r;
	size = nbd_get_size (export->handle);
	if (size < 0)
		return fault (f, EIO, "the NBD server says that %s has a negative size", name);
	export->size = size;
	return 0;
}

static struct map *map_of (struct export *export, const char *context)
{
	for (struct map *map = export->maps; map < export->maps + N_MAPS; map++)
		if (map->context && strcmp (context, map->context) == 0)
			return map;
	return NULL;
}

/* The LEN bytes at AT, of which some may be known: each map is told as far as the server likes. */
static void map_add (struct map *map, uint64_t at, uint64_t len, bool is, uint64_t size)
{
	uint64_t end = MIN (at + len, size);

	if (end > map->extents.len)
		extents_add (&map->extents, end - map->extents.len, is);
}

static int on_status (void *data, const char *context, uint64_t offset, uint32_t *entry, size_t n, int *error)
{
	struct export *export = data;
	struct map *map = map_of (export, context);
	bool is_dirty = map == &export->maps[DIRTY];

	if (!map)
		return 0;
	if (map->told || offset > map->extents.len) {
		*error = EPROTO;
		return -1;              /* or libnbd would not look at the error */
	}
	map->told = true;
	for (size_t i = 0; i + 1 < n; offset += entry[i], i += 2)
		map_add (map, offset, entry[i], is_dirty ? entry[i + 1] & dirty : !(entry[i + 1] & LIBNBD_STATE_ZERO),
			 export->size);
	return 0;
}

static int on_told (void *data, int *error)
{
	((struct export *) data)->told = *error;
	return 1;
}

static uint64_t known (const struct export *export)
{
	return MIN (export->maps[DATA].extents.len, export->maps[DIRTY].extents.len);
}

/* Some more of the maps. */
static int fetch_some (struct export *export, gint64 until, struct fault *f)
{
	uint64_t from = known (export);
	int r = 0;

	export->told = -1;
	export->maps[DATA].told = export->maps[DIRTY].told = false;
	if (nbd_aio_block_status (export->handle, MIN (export->size - from, max_status), from,
				  (nbd_extent_callback) { .callback = on_status, .user_data = export },
				  (nbd_completion_callback) { .callback = on_told, .user_data = export }, 0) < 0)
		return said (f);
	while (r == 0 && export->told < 0)
		r = advance (export, until, f);
	if (r == 0 && (export->told > 0 || known (export) == from))
		r = fault (f, EIO, "the NBD server tells no map: %s", g_strerror (export->told ? export->told : EPROTO));
	return r;
}

/* What the server does not tell.  Without a map all is data; but to call all dirty, or clean,
 * would be no increment. */
static int assume (struct export *export, struct map *map, const char *name, struct fault *f)
{
	if (map->context && nbd_can_meta_context (export->handle, map->context) > 0)
		return 0;
	if (map->context && map == &export->maps[DIRTY])
		return fault (f, EIO, "the NBD server does not tell what is dirty in %s: it has no %s", name, map->context);
	extents_add (&map->extents, export->size, true);
	return 0;
}

static int fetch_maps (struct export *export, const char *name, gint64 until, struct fault *f)
{
	int r = assume (export, &export->maps[DATA], name, f);

	if (r == 0)
		r = assume (export, &export->maps[DIRTY], name, f);
	while (r == 0 && known (export) < export->size)
		r = fetch_some (export, until, f);
	return r;
}

int export_open (struct export *export, const char *socket, const char *name, const char *bitmap, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + nbd_patience * G_USEC_PER_SEC;
	int r;

	*export = (struct export) { .handle = nbd_create () };
	for (struct map *map = export->maps; map < export->maps + N_MAPS; map++)
		extents_init (&map->extents);
	r = export->handle ? name_maps (export, bitmap, f) : said (f);
	if (r == 0)
		r = reach (export, socket, name, until, f);
	return r == 0 ? fetch_maps (export, name, until, f) : r;
}

void export_close (struct export *export)
{
	nbd_close (export->handle);
	for (struct map *map = export->maps; map < export->maps + N_MAPS; map++) {
		extents_free (&map->extents);
		g_free (map->context);
	}
}

const struct extents *export_data (const struct export *export)
{
	return &export->maps[DATA].extents;
}

void export_at (const struct export *export, uint64_t at, struct extent *e)
{
	extents_at (&export->maps[DATA].extents, &export->maps[DIRTY].extents, at, e);
}
