/* The qcow2 that nobody wrote is the one that qemu-img would have: random chains of random disks,
 * judged by qemu-img and by a reader of our own.  SEED and MAPS in the environment, to repeat them. */

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fault.h"
#include "model.h"
#include "qcow2-reader.h"
#include "qcow2.h"

enum { MAX_READ = 1 << 20 };

static const uint64_t TIB = 1ull << 40;

static char *dir;
static int dir_fd;
static GRand *rnd;
static struct { unsigned maps, huge, increments; uint64_t bytes; } tally;

/* 0 to BELOW - 1 */
static uint64_t any (uint64_t below)
{
	return ((uint64_t) g_rand_int (rnd) << 32 | g_rand_int (rnd)) % below;
}

/* From 1 up to 2^BITS, and small ones as often as large ones. */
static uint64_t any_size (unsigned bits)
{
	return 1 + any (1ull << any (bits + 1));
}

/* One chain after the other; the second and the fourth are those that do not fit a table of any kind. */
static uint64_t any_disk (unsigned chain)
{
	uint64_t size = any_size (any (4) ? 26 : 38);

	switch (chain) {
	case 1:
		return 64 * TIB;
	case 3:
		return 4 * TIB + any_size (41);
	default:
		return MAX (size, 512);
	}
}

/* Ends are of bytes, of sectors, or of clusters. */
static void any_range (uint64_t size, unsigned bits, uint64_t *from, uint64_t *to)
{
	static const uint64_t grains[] = { 1, 512, 4096, 65536, 65536 };
	uint64_t grain = grains[any (G_N_ELEMENTS (grains))], len = (any_size (bits) + grain - 1) / grain * grain;

	*from = any (4) ? any (size) / grain * grain : size - MIN (size, len);
	*to = MIN (size, *from + len);
}

/* Writes are of little, and what is discarded or zeroed may be of much. */
static void write_some (struct model *model, uint64_t generation)
{
	for (uint64_t i = any_size (5); i > 0; i--) {
		struct painted with = { .dirty = true, .data = any (3) > 0 };
		uint64_t from, to;

		with.generation = with.data && any (8) > 0 ? generation * 100 + i : 0;
		any_range (model->image.size, with.data ? 18 : 31, &from, &to);
		model_paint (model, from, to, with);
	}
}

/* A bitmap may call dirty what has not changed. */
static void mark_some (struct model *model)
{
	for (uint64_t i = any (3); i > 0; i--) {
		struct painted *painted = &g_array_index (model->painted, struct painted, any (model->painted->len));

		painted->dirty |= painted->data;
	}
}

static void on_done (struct image_read *read, int err)
{
	(void) err;
	read->done = NULL;
}

static void read_of (struct image *image, struct model *model, uint64_t at, size_t len, char *into)
{
	struct image_read read = { at, len, into, on_done };

	model->late = any (2);
	memset (into, 0x55, len);
	image_read (image, &read);
	model_answer (model);
	assert_null (read.done);
	tally.bytes += len;
}

static bool is_zero (const char *bytes, size_t len)
{
	return len == 0 || (bytes[0] == 0 && memcmp (bytes, bytes + 1, len - 1) == 0);
}

static int create (const char *name)
{
	return openat (dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static void put (int fd, uint64_t at, size_t len, const char *bytes)
{
	enum { PIECE = 65536 };

	for (size_t n; len > 0; at += n, bytes += n, len -= n) {
		n = MIN (len, PIECE);
		if (!is_zero (bytes, n))
			assert_int_equal (pwrite (fd, bytes, n, at), n);
	}
}

/* As cp does it: from the begin to the end. */
static int copy (struct image *image, struct model *model, const char *name)
{
	static char bytes[MAX_READ];
	int fd = create (name);
	size_t len;

	assert_int_equal (ftruncate (fd, image->size), 0);
	for (uint64_t at = 0; at < image->size; at += len) {
		len = any (2) ? MAX_READ : 1 + any (MAX_READ);
		len = MIN (len, image->size - at);
		read_of (image, model, at, len, bytes);
		put (fd, at, len, bytes);
	}
	return fd;
}

static void write_raw (const struct model *model, const char *name)
{
	static char bytes[MAX_READ];
	int fd = create (name);
	uint64_t at = 0, len;

	assert_int_equal (ftruncate (fd, model->image.size), 0);
	for (guint i = 0; i < model->painted->len; i++) {
		const struct painted *painted = &g_array_index (model->painted, struct painted, i);

		for (; painted->data && at < painted->end; at += len) {
			len = MIN (painted->end - at, MAX_READ);
			model_bytes (model, at, len, bytes);
			put (fd, at, len, bytes);
		}
		at = painted->end;
	}
	close (fd);
}

static void read_at_random (struct image *image, struct model *model, int fd)
{
	static char is[MAX_READ], should[MAX_READ];

	for (int i = 0; i < 10; i++) {
		uint64_t from, to;

		any_range (image->size, 19, &from, &to);
		to = MIN (to, from + MAX_READ);
		read_of (image, model, from, to - from, is);
		assert_int_equal (pread (fd, should, to - from, from), to - from);
		assert_memory_equal (is, should, to - from);
	}
}

static pid_t begin (const char *const *words)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init (&actions);
	posix_spawn_file_actions_addopen (&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	assert_int_equal (posix_spawnp (&pid, words[0], &actions, NULL, (char *const *) words, environ), 0);
	posix_spawn_file_actions_destroy (&actions);
	return pid;
}

static int end (pid_t pid)
{
	int status;

	assert_int_equal (waitpid (pid, &status, 0), pid);
	return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

/* The copied file FD and all that it rests on. */
static void judge (struct model *model, const char *name, const char *backing, int fd)
{
	g_autofree char *path = g_build_filename (dir, name, NULL), *raw = g_build_filename (dir, "raw", NULL);
	const char *const check[] = { "qemu-img", "check", "-f", "qcow2", path, NULL };
	const char *const compare[] = { "qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, path, NULL };
	int checked, compared;
	pid_t checks, compares;
	char *wrong;

	write_raw (model, "raw");
	checks = begin (check);
	compares = begin (compare);
	wrong = qcow2_judge (fd, model, backing);
	checked = end (checks);
	compared = end (compares);
	if (wrong || checked || compared)
		fail_msg ("check says %d, compare %d, our reader \"%s\"", checked, compared, wrong);
}

/* A copy of what must be read, and of the name in the header, is the disk. */
static void judge_needed (struct image *image, struct model *model, const char *name)
{
	g_autofree char *path = g_build_filename (dir, name, NULL), *part = g_build_filename (dir, "part", NULL);
	const char *const compare[] = { "qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", path, part, NULL };
	static char bytes[MAX_READ];
	int fd = create ("part");
	struct extent e;
	struct fault f;
	uint64_t len;

	assert_int_equal (ftruncate (fd, image->size), 0);
	for (uint64_t at = 0, left = 0; at < image->size; at += len, left -= len) {
		if (left == 0) {
			assert_int_equal (image_needed (image, at, &e, &f), 0);
			left = e.len;
			assert_true (left > 0 && left <= image->size - at);
		}
		len = MIN (left, MAX_READ);
		if (!e.data && at >= 4096)
			continue;
		read_of (image, model, at, len, bytes);
		put (fd, at, len, bytes);
	}
	close (fd);
	assert_int_equal (end (begin (compare)), 0);
}

static void judge_size (struct image *image, struct model *model, bool backed)
{
	struct fault f;
	uint64_t size;

	assert_int_equal (qcow2_size (&model->image, backed, &size, &f), 0);
	assert_int_equal (size, image->size);
	assert_int_equal (size, image->allocated);
}

/* MODEL as a file of that NAME, by which nothing changes. */
static void judge_map (struct model *model, const char *name, const char *backing)
{
	struct image *image;
	struct fault f;
	int fd;

	assert_int_equal (qcow2_image (image_ref (&model->image), backing, &image, &f), 0);
	judge_size (image, model, backing != NULL);
	fd = copy (image, model, name);
	judge (model, name, backing, fd);
	read_at_random (image, model, fd);
	if (any (10) == 0)
		judge_needed (image, model, name);
	close (fd);
	image_unref (image);
	tally.maps++;
	tally.huge += model->image.size > 4 * TIB;
	tally.increments += backing != NULL;
}

/* Some are as long as may be, some look like a protocol. */
static char *any_name (unsigned n)
{
	g_autofree char *padding = g_strnfill (any (4) ? any (20) : 200, 'x');

	return g_strdup_printf ("vd%s%s.%u.qcow2", padding, any (10) ? "" : ":", n);
}

/* A full one, and some increments. */
static void judge_chain (unsigned chain)
{
	struct model *model = model_new (any_disk (chain));
	g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

	for (uint64_t n = 0, most = model->image.size > TIB ? 1 : any (8); n <= most; n++) {
		char *name = any_name (n), *backing = n ? names->pdata[n - 1] : NULL;

		model_clean (model);
		write_some (model, n + 1);
		mark_some (model);
		g_ptr_array_add (names, name);
		judge_map (model, name, backing);
	}
	for (guint i = 0; i < names->len; i++)
		assert_int_equal (unlinkat (dir_fd, names->pdata[i], 0), 0);
	image_unref (&model->image);
}

static unsigned number (const char *name, unsigned otherwise)
{
	const char *text = getenv (name);

	return text ? strtoul (text, NULL, 0) : otherwise;
}

static void any_map_becomes_the_qcow2_that_it_says (void **unused)
{
	unsigned seed = number ("SEED", g_random_int ()), maps = number ("MAPS", 2000);

	(void) unused;
	printf ("SEED=%u MAPS=%u\n", seed, maps);
	fflush (stdout);
	rnd = g_rand_new_with_seed (seed);
	for (unsigned chain = 0; tally.maps < maps; chain++)
		judge_chain (chain);
	g_rand_free (rnd);
	printf ("%u maps, %u of them increments and %u beyond 4 TiB; %" PRIu64 " MiB read\n",
		tally.maps, tally.increments, tally.huge, tally.bytes >> 20);
	assert_true (maps < 2000 || (tally.huge >= 2 && tally.increments > 1000));
}

static int remove_dir (void **unused)
{
	const char *const rm[] = { "rm", "-r", dir, NULL };

	(void) unused;
	assert_int_equal (end (begin (rm)), 0);
	close (dir_fd);
	g_free (dir);
	return 0;
}

/* Sparse files of 64 TiB are too large for ext4. */
static bool is_large_enough (void)
{
	int fd = create ("raw");
	bool is = ftruncate (fd, 64 * TIB) == 0;

	close (fd);
	return is;
}

static void make_dir (void)
{
	dir = g_strdup ("/dev/shm/domfs-qcow2-XXXXXX");
	if (mkdtemp (dir)) {
		dir_fd = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (is_large_enough ())
			return;
		remove_dir (NULL);
	}
	printf ("skipped: no file of 64 TiB in /dev/shm\n");
	exit (77);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (any_map_becomes_the_qcow2_that_it_says),
	};

	make_dir ();
	return cmocka_run_group_tests (tests, NULL, remove_dir);
}
