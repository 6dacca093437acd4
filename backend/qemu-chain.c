/* qemu-chain.c - the files that a disk is made of */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qemu-chain.h"
#include "qemu-lock.h"
#include "qemu-offline.h"

enum { DEEPEST = 256 };

static void layer_free (void *ptr)
{
	struct qemu_layer *layer = ptr;

	g_free (layer->file);
	g_free (layer->format);
	g_free (layer);
}

static void add (GPtrArray *chain, const char *file, const char *format)
{
	struct qemu_layer *layer = g_new (struct qemu_layer, 1);

	*layer = (struct qemu_layer) { g_strdup (file), g_strdup (format) };
	g_ptr_array_add (chain, layer);
}

/* What the last layer rests on, as INFO says: 1 if there is such a thing. */
static int add_backing (GPtrArray *chain, const json_t *info, struct fault *f)
{
	const struct qemu_layer *last = chain->pdata[chain->len - 1];
	const char *file = json_string_value (json_object_get (info, "full-backing-filename"));
	const char *format = json_string_value (json_object_get (info, "backing-filename-format"));

	if (!json_object_get (info, "backing-filename"))
		return json_is_object (info) ? 0 : fault (f, EIO, "qemu-img says nothing of %s", last->file);
	if (!file || *file != '/')
		return fault (f, EOPNOTSUPP, "%s rests on what is no file here, and cannot be read without its guest", last->file);
	if (!format)
		return fault (f, EOPNOTSUPP, "%s does not say what format its backing file has: tell it by qemu-img rebase -u -F",
			      last->file);
	if (chain->len == DEEPEST)
		return fault (f, EIO, "%s rests on more than %d files", last->file, DEEPEST);
	add (chain, file, format);
	return 1;
}

/* Image by image, since QEMU would guess a format where there is none. */
static int add_next (GPtrArray *chain, struct fault *f)
{
	const struct qemu_layer *last = chain->pdata[chain->len - 1];
	g_autofree char *said = qemu_offline_info (last->file, last->format, f);
	json_t *info = said ? json_loads (said, 0, NULL) : NULL;
	int r = said ? add_backing (chain, info, f) : -f->err;

	json_decref (info);
	return r;
}

GPtrArray *qemu_chain (const char *file, const char *format, struct fault *f)
{
	g_autoptr (GPtrArray) chain = g_ptr_array_new_with_free_func (layer_free);
	int r;

	add (chain, file, format);
	do
		r = add_next (chain, f);
	while (r > 0);
	return r < 0 ? NULL : g_steal_pointer (&chain);
}

static void close_file (void *fd)
{
	close (*(int *) fd);
}

GArray *qemu_held_new (void)
{
	GArray *held = g_array_new (FALSE, FALSE, sizeof (int));

	g_array_set_clear_func (held, close_file);
	return held;
}

int qemu_chain_hold (const GPtrArray *chain, guint from, GArray *held, struct fault *f)
{
	for (guint i = from; i < chain->len; i++) {
		const struct qemu_layer *layer = chain->pdata[i];
		int fd = qemu_lock (layer->file, f);

		if (fd < 0)
			return fd;
		g_array_append_val (held, fd);
	}
	return 0;
}

static const char *protocol (const char *file)
{
	struct stat st;

	return stat (file, &st) == 0 && S_ISBLK (st.st_mode) ? "host_device" : "file";
}

static json_t *layer_node (const struct qemu_layer *layer, bool unlocked)
{
	json_t *file = json_pack ("{s:s, s:s}", "driver", protocol (layer->file), "filename", layer->file);

	if (unlocked)
		json_object_set_new (file, "locking", json_string ("off"));
	return json_pack ("{s:s, s:b, s:o}", "driver", layer->format, "read-only", 1, "file", file);
}

/* What rests on nothing shall not look for it either. */
static json_t *last_of (const GPtrArray *chain)
{
	const struct qemu_layer *last = chain->pdata[chain->len - 1];

	return strcmp (last->format, "qcow2") == 0 ? json_null () : NULL;
}

json_t *qemu_chain_node (const GPtrArray *chain, const char *name, bool unlocked)
{
	json_t *below = last_of (chain);

	for (guint i = chain->len; i-- > 0;) {
		json_t *node = layer_node (chain->pdata[i], unlocked && i == 0);
		g_autofree char *called = g_strdup_printf ("%s-%u", name ? name : "", i);

		if (name)
			json_object_set_new (node, "node-name", json_string (called));
		if (below)
			json_object_set_new (node, "backing", below);
		below = node;
	}
	return below;
}

char *qemu_chain_text (const GPtrArray *chain, bool unlocked)
{
	json_t *node = qemu_chain_node (chain, NULL, unlocked);
	char *json = node ? json_dumps (node, JSON_COMPACT) : NULL;
	char *text = json ? g_strconcat ("json:", json, NULL) : NULL;

	free (json);
	json_decref (node);
	return text;
}
