/* clusters.c - which clusters of a disk a qcow2 file has
 *
 * The extents of a disk end anywhere, its clusters do not.  One that extents share has data if
 * any of it is data: what is clean in it is then copied along, which does no harm.
 *
 * A table has 2^13 clusters, so an edge takes 16 bits: the cluster at which another nature
 * begins, and which.  A table begins absent, and ends so unless it is filled. */

#include "clusters.h"

enum { NATURE_SHIFT = 13 };

static enum nature nature_at (const struct clusters *c, guint edge)
{
	return g_array_index (c->edges, uint16_t, edge) >> NATURE_SHIFT;
}

/* In its table. */
static unsigned position (const struct clusters *c, guint edge)
{
	return g_array_index (c->edges, uint16_t, edge) % PER_TABLE;
}

static bool has_table (const struct clusters *c, uint64_t slot)
{
	return c->tables->len > 0 && g_array_index (c->tables, struct table, c->tables->len - 1).slot == slot;
}

/* The next LEN clusters, which are of one table. */
static void add_within (struct clusters *c, uint64_t len, enum nature nature)
{
	struct table table = { c->data, c->known / PER_TABLE, c->edges->len };
	uint16_t edge = c->known % PER_TABLE | nature << NATURE_SHIFT;
	bool begun = has_table (c, table.slot);

	if (!begun && nature != ABSENT)
		g_array_append_val (c->tables, table);
	if (begun ? nature != nature_at (c, c->edges->len - 1) : nature != ABSENT)
		g_array_append_val (c->edges, edge);
	c->data += nature == DATA ? len : 0;
	c->known += len;
}

static void add (struct clusters *c, uint64_t len, enum nature nature)
{
	for (uint64_t end = c->known + len; c->known < end;)
		add_within (c, MIN (end - c->known, PER_TABLE - c->known % PER_TABLE), nature);
}

/* What a cluster is of which something, or nothing, is data, or dirty. */
static enum nature nature_of (const struct clusters *c)
{
	static const enum nature natures[2][2][2] = {   /* [backed][dirty][data] */
		{ { ABSENT, DATA   }, { ABSENT, DATA } },
		{ { ABSENT, ABSENT }, { ZERO,   DATA } },
	};

	return natures[c->backed][c->has.dirty][c->has.data];
}

/* How much of AT to END goes into the map at once: whole clusters, or what there is of one. */
static uint64_t step (uint64_t at, uint64_t end)
{
	if (at % CLUSTER == 0 && end - at >= CLUSTER)
		return (end - at) / CLUSTER * CLUSTER;
	return MIN (end - at, CLUSTER - at % CLUSTER);
}

static void add_extent (struct clusters *c, uint64_t at, const struct extent *e, uint64_t size)
{
	uint64_t end = at + e->len, len;

	if (e->data)
		c->last_data = end - 1;
	for (; at < end; at += len) {
		len = step (at, end);
		c->has.data |= e->data;
		c->has.dirty |= e->dirty;
		if ((at + len) % CLUSTER > 0 && at + len < size)
			return;         /* the next extent has part of that cluster */
		add (c, (len + CLUSTER - 1) / CLUSTER, nature_of (c));
		c->has = (struct extent) { 0 };
	}
}

int clusters_init (struct clusters *c, struct image *raw, bool backed, struct fault *f)
{
	struct extent e;
	int r = 0;

	*c = (struct clusters) { .tables = g_array_new (FALSE, FALSE, sizeof (struct table)),
				 .edges = g_array_new (FALSE, FALSE, sizeof (uint16_t)), .backed = backed };
	for (uint64_t at = 0; r == 0 && at < raw->size; at += e.len) {
		r = image_extent (raw, at, &e, f);
		if (r == 0)
			add_extent (c, at, &e, raw->size);
	}
	if (r < 0)
		clusters_free (c);
	return r;
}

void clusters_free (struct clusters *c)
{
	g_array_unref (c->tables);
	g_array_unref (c->edges);
}

static const struct table *table_of (const struct clusters *c, guint i)
{
	return &g_array_index (c->tables, struct table, i);
}

/* How many tables have a slot below SLOT, and no more than DATA clusters with data before them. */
static guint tables_until (const struct clusters *c, uint64_t slot, uint64_t data)
{
	guint from = 0, to = c->tables->len;

	while (from < to) {
		guint middle = from + (to - from) / 2;
		const struct table *table = table_of (c, middle);

		if (table->slot < slot && table->data <= data)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

guint clusters_table (const struct clusters *c, uint64_t slot)
{
	return tables_until (c, slot, UINT64_MAX);
}

struct stretch clusters_begin (const struct clusters *c, guint table)
{
	const struct table *of = table_of (c, table);

	return (struct stretch) { .start = (uint64_t) of->slot * PER_TABLE, .data = of->data,
				  .table = table, .edge = of->edge };
}

bool clusters_next (const struct clusters *c, struct stretch *s)
{
	guint last = s->table + 1 < c->tables->len ? table_of (c, s->table + 1)->edge : c->edges->len;
	uint64_t base = (uint64_t) table_of (c, s->table)->slot * PER_TABLE;

	if (s->edge == last)
		return false;
	s->data += s->nature == DATA ? s->len : 0;
	s->start = base + position (c, s->edge);
	s->nature = nature_at (c, s->edge++);
	s->len = (s->edge < last ? base + position (c, s->edge) : MIN (base + PER_TABLE, c->known)) - s->start;
	return true;
}

struct stretch clusters_with_data (const struct clusters *c, uint64_t n)
{
	struct stretch s = clusters_begin (c, tables_until (c, UINT64_MAX, n) - 1);

	while (clusters_next (c, &s) && (s.nature != DATA || s.data + s.len <= n));
	return s;
}
