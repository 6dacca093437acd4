/* qcow2.c - a qcow2 file that exists only while it is read
 *
 * The map of the raw image says which clusters the file has, so the place of each byte is
 * known before the first one is read:
 *
 *     header | refcount table | refcount blocks | L1 table | L2 tables | clusters with data
 *
 * The parts follow each other without a gap, so every cluster of the file is used once, and
 * those with data are in the order of the disk.  Tables are computed as they are read, data
 * is passed on from the raw image.  See docs/interop/qcow2.txt of QEMU for the format. */

#include <errno.h>
#include <string.h>

#include "clusters.h"
#include "fault.h"
#include "qcow2.h"

enum { PER_REFS = CLUSTER / 2 };        /* refcounts in a block, of 16 bits each */
enum { SECTOR = 512, HEADER = 112, NEEDED_HEADER = 104, NAME = HEADER + 24 };

static const uint32_t max_l1 = 32 << 20 >> 3;   /* entries that QEMU opens a file with */
static const uint64_t copied = 1ull << 63;      /* in an entry: the refcount is 1 */
static const uint64_t zero = 1;

struct qcow2 {
	struct image image;
	struct image *raw;
	char *backing;
	struct clusters clusters;
	uint64_t n_l1, n_refs;          /* entries of the L1 table, refcount blocks */
	uint64_t refs, l1, l2, data, end;       /* the first cluster of each part */
	uint64_t needed_end;            /* behind the last byte of the disk that the file has */
};

static uint64_t of_size (uint64_t n, uint64_t size)
{
	return (n + size - 1) / size;
}

/* QEMU knows sectors only: for it, a raw disk ends with a whole one too. */
static uint64_t disk_size (const struct qcow2 *q)
{
	return of_size (q->raw->size, SECTOR) * SECTOR;
}

/* The refcount blocks count themselves, and their table. */
static void lay_out (struct qcow2 *q)
{
	uint64_t others, before;

	q->n_l1 = of_size (q->clusters.known, PER_TABLE);
	others = 1 + of_size (q->n_l1, PER_TABLE) + q->clusters.tables->len + q->clusters.data;
	do {
		before = q->n_refs;
		q->refs = 1 + of_size (q->n_refs, PER_TABLE);
		q->n_refs = of_size (others + q->refs - 1 + q->n_refs, PER_REFS);
	} while (q->n_refs != before);
	q->l1 = q->refs + q->n_refs;
	q->l2 = q->l1 + of_size (q->n_l1, PER_TABLE);
	q->data = q->l2 + q->clusters.tables->len;
	q->end = q->data + q->clusters.data;
	q->image.size = q->image.allocated = q->end * CLUSTER;
}

/* Behind the end of the disk its last cluster is padded. */
static uint64_t padding (const struct qcow2 *q)
{
	struct stretch last;

	if (q->clusters.data == 0)
		return 0;
	last = clusters_with_data (&q->clusters, q->clusters.data - 1);
	return MAX ((last.start + last.len) * CLUSTER, q->raw->size) - q->raw->size;
}

static void put32 (char *to, uint32_t v)
{
	v = GUINT32_TO_BE (v);
	memcpy (to, &v, sizeof v);
}

static void put64 (char *to, uint64_t v)
{
	v = GUINT64_TO_BE (v);
	memcpy (to, &v, sizeof v);
}

/* The backing file's format and name.  What is before a colon QEMU takes for a protocol. */
static void make_backing (const char *name, char *to)
{
	g_autofree char *path = g_strconcat (strchr (name, ':') ? "./" : "", name, NULL);

	put64 (to + 8, NAME);
	put32 (to + 16, strlen (path));
	put32 (to + HEADER, 0xe2792aca);
	put32 (to + HEADER + 4, strlen ("qcow2"));
	memcpy (to + HEADER + 8, "qcow2", strlen ("qcow2"));
	memcpy (to + NAME, path, strlen (path));
}

static void make_header (const struct qcow2 *q, char *to)
{
	memcpy (to, "QFI\xfb", 4);
	put32 (to + 4, 3);
	if (q->backing)
		make_backing (q->backing, to);
	put32 (to + 20, CLUSTER_BITS);
	put64 (to + 24, disk_size (q));
	put32 (to + 36, q->n_l1);
	put64 (to + 40, q->l1 * CLUSTER);
	put64 (to + 48, CLUSTER);
	put32 (to + 56, q->refs - 1);
	put32 (to + 96, 4);             /* 2^4 bits a refcount */
	put32 (to + 100, HEADER);
}

static void make_ref_table (const struct qcow2 *q, uint64_t part, char *to)
{
	for (uint64_t i = part * PER_TABLE; i < MIN (q->n_refs, (part + 1) * PER_TABLE); i++)
		put64 (to + i % PER_TABLE * 8, (q->refs + i) * CLUSTER);
}

static void make_refs (const struct qcow2 *q, uint64_t part, char *to)
{
	for (uint64_t i = part * PER_REFS; i < MIN (q->end, (part + 1) * PER_REFS); i++)
		to[i % PER_REFS * 2 + 1] = 1;
}

static void make_l1 (const struct qcow2 *q, uint64_t part, char *to)
{
	guint end = clusters_table (&q->clusters, (part + 1) * PER_TABLE);

	for (guint i = clusters_table (&q->clusters, part * PER_TABLE); i < end; i++)
		put64 (to + clusters_begin (&q->clusters, i).start / PER_TABLE % PER_TABLE * 8,
		       (q->l2 + i) * CLUSTER | copied);
}

static void make_l2 (const struct qcow2 *q, uint64_t part, char *to)
{
	struct stretch s = clusters_begin (&q->clusters, part);

	while (clusters_next (&q->clusters, &s))
		for (uint64_t i = 0; s.nature != ABSENT && i < s.len; i++)
			put64 (to + (s.start + i) % PER_TABLE * 8,
			       s.nature == ZERO ? zero : (q->data + s.data + i) * CLUSTER | copied);
}

/* Compute cluster C, which is of no data, into what is all zeroes. */
static void make_cluster (const struct qcow2 *q, uint64_t c, char *to)
{
	if (c == 0)
		make_header (q, to);
	else if (c < q->refs)
		make_ref_table (q, c - 1, to);
	else if (c < q->l1)
		make_refs (q, c - q->refs, to);
	else if (c < q->l2)
		make_l1 (q, c - q->l1, to);
	else
		make_l2 (q, c - q->l2, to);
}

/* One read of the file, in parts: the last of them to be done answers it. */
struct parts {
	struct qcow2 *qcow2;
	struct image_read *whole;
	int left, err;
};

struct part {
	struct image_read read;
	struct parts *of;
	char spare;
};

/* It is the raw image's answer, so that the tables of one that has ended are EIO too. */
static void parts_less (struct parts *parts, int err)
{
	if (err)
		__atomic_store_n (&parts->err, err, __ATOMIC_RELAXED);
	if (__atomic_sub_fetch (&parts->left, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	image_done (parts->qcow2->raw, parts->whole, parts->err);
	g_free (parts);
}

static void part_done (struct image_read *read, int err)
{
	struct part *part = (struct part *) read;

	parts_less (part->of, err);
	g_free (part);
}

static struct part *part_new (struct parts *parts, uint64_t from, size_t len, void *into)
{
	struct part *part = g_new (struct part, 1);

	*part = (struct part) { { from, len, into, part_done }, parts };
	__atomic_add_fetch (&parts->left, 1, __ATOMIC_RELAXED);
	return part;
}

/* The disk may end within its last cluster, whose rest is zeroes. */
static size_t read_data (struct parts *parts, uint64_t offset, size_t len, char *into)
{
	const struct qcow2 *q = parts->qcow2;
	uint64_t n = offset / CLUSTER - q->data;
	struct stretch s = clusters_with_data (&q->clusters, n);
	uint64_t from = (s.start + n - s.data) * CLUSTER + offset % CLUSTER, end = (s.start + s.len) * CLUSTER, there;

	len = MIN (len, end - from);
	there = from < q->raw->size ? MIN (len, q->raw->size - from) : 0;
	memset (into + there, 0, len - there);
	if (there > 0)
		image_read (q->raw, &part_new (parts, from, there, into)->read);
	return len;
}

static size_t read_table (const struct qcow2 *q, uint64_t offset, size_t len, char *into)
{
	char cluster[CLUSTER] = { 0 };
	size_t within = offset % CLUSTER;

	len = MIN (len, CLUSTER - within);
	make_cluster (q, offset / CLUSTER, cluster);
	memcpy (into, cluster + within, len);
	return len;
}

/* Where a backup ends without a word, the raw image knows better than to answer its last data
 * at once: so the end of the file comes with that. */
static void read_last_data (struct parts *parts)
{
	const struct qcow2 *q = parts->qcow2;
	struct part *part;

	if (q->raw->size == 0)
		return;
	part = part_new (parts, q->clusters.last_data, 1, NULL);
	part->read.into = &part->spare;
	image_read (q->raw, &part->read);
}

static void qcow2_read (struct image *image, struct image_read *read)
{
	struct qcow2 *q = (struct qcow2 *) image;
	struct parts *parts = g_new (struct parts, 1);
	size_t done = 0;

	*parts = (struct parts) { .qcow2 = q, .whole = read, .left = 1 };
	while (done < read->len) {
		uint64_t at = read->offset + done;
		char *into = (char *) read->into + done;

		done += at / CLUSTER < q->data ? read_table (q, at, read->len - done, into)
					       : read_data (parts, at, read->len - done, into);
	}
	if (read->offset < q->needed_end && read->offset + read->len >= q->needed_end)
		read_last_data (parts);
	parts_less (parts, 0);
}

/* How many bytes of an L2 table there is something in. */
static uint64_t l2_used (const struct qcow2 *q, uint64_t part)
{
	struct stretch s = clusters_begin (&q->clusters, part);
	uint64_t begin = s.start, end = begin;

	while (clusters_next (&q->clusters, &s))
		end = s.nature == ABSENT ? end : s.start + s.len;
	return (end - begin) * 8;
}

/* Who converts the file looks at no refcount. */
static int qcow2_needed (struct image *image, uint64_t at, struct extent *e, struct fault *f)
{
	const struct qcow2 *q = (struct qcow2 *) image;
	uint64_t c = at / CLUSTER, until, end;

	(void) f;
	if (c < q->l1)
		until = NEEDED_HEADER, end = q->l1 * CLUSTER;
	else if (c < q->l2)
		until = q->l1 * CLUSTER + q->n_l1 * 8, end = q->l2 * CLUSTER;
	else if (c < q->data)
		until = c * CLUSTER + l2_used (q, c - q->l2), end = (c + 1) * CLUSTER;
	else
		until = q->needed_end, end = image->size;
	*e = (struct extent) { .len = (at < until ? until : end) - at, .data = at < until };
	return 0;
}

static void qcow2_close (struct image *image)
{
	struct qcow2 *q = (struct qcow2 *) image;

	clusters_free (&q->clusters);
	image_unref (q->raw);
	g_free (q->backing);
	g_free (q);
}

static const struct image_ops qcow2_ops = { .read = qcow2_read, .needed = qcow2_needed, .close = qcow2_close };

/* All but the name of the backing file. */
static int plan (struct qcow2 *q, bool backed, struct fault *f)
{
	int r;

	if (of_size (q->raw->size, (uint64_t) PER_TABLE * CLUSTER) > max_l1)
		return fault (f, EFBIG, "a qcow2 file holds no disk of over 2 PiB: take the raw one");
	r = clusters_init (&q->clusters, q->raw, backed, f);
	if (r < 0)
		return r;
	lay_out (q);
	q->needed_end = q->image.size - padding (q);
	return 0;
}

int qcow2_size (struct image *raw, bool backed, uint64_t *size, struct fault *f)
{
	struct qcow2 q = { .raw = raw };
	int r = plan (&q, backed, f);

	if (r < 0)
		return r;
	*size = q.image.size;
	clusters_free (&q.clusters);
	return 0;
}

int qcow2_image (struct image *raw, const char *backing, struct image **image, struct fault *f)
{
	struct qcow2 *q = g_new (struct qcow2, 1);
	int r;

	*q = (struct qcow2) { .image = { .ops = &qcow2_ops, .refs = 1 }, .raw = raw };
	r = plan (q, backing != NULL, f);
	if (r < 0) {
		image_unref (raw);
		g_free (q);
		return r;
	}
	q->backing = g_strdup (backing);
	*image = &q->image;
	return 0;
}
