/* qemu-storage.c - images of a domain that is off, served by a qemu-storage-daemon
 *
 *     DIRECTORY/pid   its pid file, which it holds locked as long as it lives
 *     DIRECTORY/qmp   where it is asked
 *
 * Each disk is a chain of nodes d0-0, d0-1, ...  A bitmap goes on in an overlay under
 * the same name, so what changed since is the union of those along the chain, as libvirt
 * has it for guests that run.  It is made in a bitmap that nobody stores. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "qemu-chain.h"
#include "qemu-daemon.h"
#include "qemu-storage.h"
#include "qmp.h"

static char *pid_file (const char *directory)
{
	return g_build_filename (directory, "pid", NULL);
}

static char *qmp_socket (const char *directory)
{
	return g_build_filename (directory, "qmp", NULL);
}

static int launch (const char *directory, const GArray *held, struct fault *f)
{
	g_autofree char *pid = pid_file (directory), *qmp = qmp_socket (directory);
	g_autofree char *chardev = g_strdup_printf ("socket,id=qmp,server=on,wait=off,path=%s", qmp);
	const char *const argv[] = { "qemu-storage-daemon", "--daemonize", "--pidfile", pid, "--chardev", chardev,
				     "--monitor", "chardev=qmp", NULL };

	if (strchr (directory, ','))
		return fault (f, EINVAL, "%s: QEMU takes no comma in the path of a socket", directory);
	return qemu_daemon_start (argv, held, f);
}

static int serve_at (struct qmp *qmp, const char *socket, struct fault *f)
{
	json_t *address = json_pack ("{s:s, s:{s:s}}", "type", "unix", "data", "path", socket);

	return qmp_ask (qmp, "nbd-server-start", json_pack ("{s:o}", "addr", address), NULL, f);
}

/* A disk on its way. */
struct opening {
	struct qmp *qmp;
	const struct qemu_storage_disk *disk;
	GPtrArray *chain;
	char name[16];          /* of its nodes, without their number */
	char node[24];          /* the active layer's */
	const char *shown;      /* the bitmap of the export, or NULL */
};

static int open_nodes (const struct opening *o, struct fault *f)
{
	json_t *node = qemu_chain_node (o->chain, o->name, false);

	if (!node)
		return fault (f, EOPNOTSUPP, "%s has a name that QEMU cannot be told", o->disk->file);
	return qmp_ask (o->qmp, "blockdev-add", node, NULL, f);
}

/* Those named BITMAP of a node that QUERY tells of. */
static const json_t *bitmap_of (const json_t *query, const char *node, const char *bitmap)
{
	const json_t *info, *one;
	size_t i, j;

	json_array_foreach (query, i, info) {
		if (g_strcmp0 (json_string_value (json_object_get (info, "node-name")), node) != 0)
			continue;
		json_array_foreach (json_object_get (info, "dirty-bitmaps"), j, one)
			if (g_strcmp0 (json_string_value (json_object_get (one, "name")), bitmap) == 0)
				return one;
	}
	return NULL;
}

/* One that did not record all is as bad as none. */
static bool is_whole (const json_t *bitmap)
{
	return json_is_true (json_object_get (bitmap, "persistent")) && json_is_true (json_object_get (bitmap, "recording")) &&
	       !json_is_true (json_object_get (bitmap, "inconsistent"));
}

/* The bitmaps to be merged, in SOURCES: all from the active layer down as far as there are some. */
static int find_bitmaps (const struct opening *o, const json_t *query, json_t *sources, struct fault *f)
{
	const char *bitmap = o->disk->bitmap;
	bool over = false;

	for (guint i = 0; i < o->chain->len; i++) {
		g_autofree char *node = g_strdup_printf ("%s-%u", o->name, i);
		const json_t *found = bitmap_of (query, node, bitmap);

		if (found && (over || !is_whole (found)))
			return fault (f, ENODATA, "the bitmap %s of %s is inconsistent", bitmap, o->disk->name);
		over |= !found;
		if (found)
			json_array_append_new (sources, json_pack ("{s:s, s:s}", "node", node, "name", bitmap));
	}
	return json_array_size (sources) > 0 ? 0 : fault (f, ENODATA, "%s has no bitmap %s", o->disk->name, bitmap);
}

static int merge (const struct opening *o, json_t *sources, struct fault *f)
{
	int r = qmp_ask (o->qmp, "block-dirty-bitmap-add",
			 json_pack ("{s:s, s:s, s:b, s:b}", "node", o->node, "name", o->shown, "persistent", 0, "disabled", 1), NULL, f);

	if (r < 0)
		return r;
	return qmp_ask (o->qmp, "block-dirty-bitmap-merge",
			json_pack ("{s:s, s:s, s:O}", "node", o->node, "target", o->shown, "bitmaps", sources), NULL, f);
}

static int open_bitmap (const struct opening *o, struct fault *f)
{
	json_t *query = NULL, *sources = json_array ();
	int r = qmp_ask (o->qmp, "query-named-block-nodes", json_pack ("{s:b}", "flat", 1), &query, f);

	if (r == 0)
		r = find_bitmaps (o, query, sources, f);
	if (r == 0)
		r = merge (o, sources, f);
	json_decref (query);
	json_decref (sources);
	return r;
}

static int export (const struct opening *o, struct fault *f)
{
	json_t *words = json_pack ("{s:s, s:s, s:s, s:s, s:b}", "type", "nbd", "id", o->name, "node-name", o->node,
				   "name", o->disk->name, "writable", 0);

	if (o->shown)
		json_object_set_new (words, "bitmaps", json_pack ("[s]", o->shown));
	return qmp_ask (o->qmp, "block-export-add", words, NULL, f);
}

static int open_disk (struct qmp *qmp, const struct qemu_storage_disk *disk, GPtrArray *chain, size_t i, struct fault *f)
{
	g_autofree char *shown = disk->bitmap ? g_strconcat ("backup-", disk->name, NULL) : NULL;
	struct opening o = { qmp, disk, chain, .shown = shown };
	int r;

	g_snprintf (o.name, sizeof o.name, "d%zu", i);
	g_snprintf (o.node, sizeof o.node, "%s-0", o.name);
	r = open_nodes (&o, f);
	if (r == 0 && shown)
		r = open_bitmap (&o, f);
	return r < 0 ? r : export (&o, f);
}

/* Its own locks let raw images be written to, so it inherits some of ours. */
static int hold (const struct qemu_storage_disk *disk, GPtrArray *chains, GArray *held, struct fault *f)
{
	GPtrArray *chain = qemu_chain (disk->file, disk->format, f);

	if (!chain)
		return -f->err;
	g_ptr_array_add (chains, chain);
	return qemu_chain_hold (chain, 0, held, f);
}

static void unref (void *chain)
{
	g_ptr_array_unref (chain);
}

int qemu_storage_start (const char *directory, const char *socket, const struct qemu_storage_disk *disks, size_t n,
			struct fault *f)
{
	g_autoptr (GPtrArray) chains = g_ptr_array_new_with_free_func (unref);
	g_autoptr (GArray) held = qemu_held_new ();
	g_autofree char *at = qmp_socket (directory);
	struct qmp *qmp = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = hold (&disks[i], chains, held, f);
	if (r == 0)
		r = launch (directory, held, f);
	if (r == 0)
		r = qmp_open (at, &qmp, f);
	if (r == 0)
		r = serve_at (qmp, socket, f);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = open_disk (qmp, &disks[i], chains->pdata[i], i, f);
	qmp_close (qmp);
	return r;
}

bool qemu_storage_is_there (const char *directory)
{
	g_autofree char *pid = pid_file (directory);

	return qemu_daemon_pid (pid) > 0;
}

int qemu_storage_end (const char *directory, struct fault *f)
{
	g_autofree char *pid = pid_file (directory), *qmp = qmp_socket (directory);
	int r = qemu_daemon_end (pid, f);

	if (r < 0)
		return r;
	unlink (pid);
	unlink (qmp);
	return 0;
}
