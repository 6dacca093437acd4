/* model.c - a disk that is only a rule, for tests */

#include <string.h>

#include "model.h"

static const struct painted *at_index (const struct model *model, guint i)
{
	return &g_array_index (model->painted, struct painted, i);
}

guint model_find (const struct model *model, uint64_t at)
{
	guint from = 0, to = model->painted->len;

	while (from < to) {
		guint middle = from + (to - from) / 2;

		if (at_index (model, middle)->end <= at)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* Eight bytes that nothing else has: the finalizer of splitmix64. */
static uint64_t word (uint64_t generation, uint64_t n)
{
	uint64_t x = generation * 0x9e3779b97f4a7c15 + n;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return generation == 0 ? 0 : x ^ x >> 31;
}

static void fill (uint64_t generation, uint64_t at, size_t len, char *into)
{
	for (size_t done = 0, n; done < len; done += n) {
		uint64_t w = word (generation, (at + done) / 8);
		size_t within = (at + done) % 8;

		n = MIN (8 - within, len - done);
		memcpy (into + done, (char *) &w + within, n);
	}
}

void model_bytes (const struct model *model, uint64_t at, size_t len, char *into)
{
	guint i = model_find (model, at);

	memset (into, 0, len);
	for (uint64_t end; len > 0 && i < model->painted->len; len -= end - at, into += end - at, at = end) {
		const struct painted *painted = at_index (model, i++);

		end = MIN (painted->end, at + len);
		if (painted->data && painted->generation)
			fill (painted->generation, at, end - at, into);
	}
}

static void model_read (struct image *image, struct image_read *read)
{
	struct model *model = (struct model *) image;

	if (model->late) {
		g_ptr_array_add (model->asked, read);
		return;
	}
	model_bytes (model, read->offset, read->len, read->into);
	image_done (image, read, 0);
}

void model_answer (struct model *model)
{
	while (model->asked->len > 0) {
		struct image_read *read = g_ptr_array_remove_index (model->asked, model->asked->len - 1);

		model_bytes (model, read->offset, read->len, read->into);
		image_done (&model->image, read, 0);
	}
}

static int model_extent (struct image *image, uint64_t at, struct extent *e, struct fault *f)
{
	const struct model *model = (struct model *) image;
	const struct painted *painted = at_index (model, model_find (model, at));

	(void) f;
	*e = (struct extent) { painted->end - at, painted->data, painted->dirty };
	return 0;
}

static void model_close (struct image *image)
{
	struct model *model = (struct model *) image;

	g_array_unref (model->painted);
	g_ptr_array_unref (model->asked);
	g_free (model);
}

static const struct image_ops model_ops = { .read = model_read, .extent = model_extent, .close = model_close };

static void append (GArray *painted, struct painted one)
{
	uint64_t begin = painted->len ? g_array_index (painted, struct painted, painted->len - 1).end : 0;

	if (one.end > begin)
		g_array_append_val (painted, one);
}

struct model *model_new (uint64_t size)
{
	struct model *model = g_new (struct model, 1);

	*model = (struct model) { .image = { .ops = &model_ops, .size = size, .refs = 1 },
				  .painted = g_array_new (FALSE, FALSE, sizeof (struct painted)),
				  .asked = g_ptr_array_new () };
	append (model->painted, (struct painted) { .end = size });
	return model;
}

struct model *model_copy (const struct model *model)
{
	struct model *copy = model_new (0);

	copy->image.size = model->image.size;
	g_array_append_vals (copy->painted, model->painted->data, model->painted->len);
	return copy;
}

void model_paint (struct model *model, uint64_t from, uint64_t to, struct painted with)
{
	GArray *old = model->painted, *new = g_array_new (FALSE, FALSE, sizeof with);

	with.end = to;
	for (guint i = 0; i < old->len; i++) {
		struct painted one = g_array_index (old, struct painted, i), before = one;

		before.end = MIN (one.end, from);
		append (new, before);
		if (one.end >= to)
			append (new, with);
		if (one.end > to)
			append (new, one);
	}
	g_array_unref (old);
	model->painted = new;
}

void model_clean (struct model *model)
{
	for (guint i = 0; i < model->painted->len; i++)
		g_array_index (model->painted, struct painted, i).dirty = false;
}
