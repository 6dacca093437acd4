/* The bytes that come out are the server's, or none at all. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <glib.h>

#include "liar.h"
#include "lock.h"
#include "nbd.h"
#include "server.h"

static struct image *image_of (struct nbd_witness *witness)
{
	struct image *image = NULL;
	struct fault f = { 0 };
	int r = nbd_image (at, "", NULL, witness, &image, &f);

	assert_string_equal (f.text, "");
	assert_int_equal (r, 0);
	return image;
}

struct reader {
	struct image_read read;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	int err;                /* -1: no answer yet */
	struct image *drop;     /* let go of in the answer */
};

static void on_done (struct image_read *read, int err)
{
	struct reader *reader = (struct reader *) read;

	image_unref (reader->drop);
	LOCKED (&reader->lock);
	reader->err = err;
	pthread_cond_signal (&reader->answered);
}

static struct reader *ask (struct image *image, uint64_t offset, size_t len)
{
	struct reader *reader = g_new (struct reader, 1);

	*reader = (struct reader) { .read = { offset, len, g_malloc (len), on_done }, .err = -1,
				    .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER };
	memset (reader->read.into, 0x55, len);
	image_read (image, &reader->read);
	return reader;
}

static bool is_answered (struct reader *reader, gint64 until)
{
	LOCKED (&reader->lock);

	while (reader->err < 0)
		if (!lock_wait (&reader->answered, &reader->lock, until))
			return false;
	return true;
}

/* Its errno; if that is 0 the bytes are those of the disk. */
static int answer (struct reader *reader)
{
	g_autofree char *should = g_malloc (reader->read.len);
	int err;

	assert_true (is_answered (reader, g_get_monotonic_time () + 30 * G_USEC_PER_SEC));
	err = reader->err;
	if (err == 0) {
		assert_int_equal (pread (fd, should, reader->read.len, reader->read.offset), reader->read.len);
		assert_memory_equal (reader->read.into, should, reader->read.len);
	}
	g_free (reader->read.into);
	g_free (reader);
	return err;
}

static void read_at_random (struct image *image, int rounds)
{
	enum { AT_ONCE = 16 };

	srand (1);
	for (int i = 0; i < rounds; i += AT_ONCE) {
		struct reader *readers[AT_ONCE];

		for (int n = 0; n < AT_ONCE; n++) {
			size_t len = 1 + rand () % (n == 0 ? 2 * MIB : 70000);

			readers[n] = ask (image, rand () % (SIZE - len), len);
		}
		for (int n = 0; n < AT_ONCE; n++)
			assert_int_equal (answer (readers[n]), 0);
	}
}

static bool is_data (uint64_t offset, uint64_t *end)
{
	off_t data = lseek (fd, offset, SEEK_DATA), hole;

	*end = data < 0 ? SIZE : data;
	if ((uint64_t) data != offset)
		return false;
	hole = lseek (fd, offset, SEEK_HOLE);
	*end = hole;
	return true;
}

/* No data of the disk is in a hole of the image, and most holes are told. */
static void compare_maps (struct image *image)
{
	struct extent e;
	struct fault f;
	uint64_t end, told = 0;

	for (uint64_t offset = 0; offset < SIZE; offset = MIN (end, offset + e.len)) {
		assert_int_equal (image->ops->extent (image, offset, &e, &f), 0);
		assert_true (e.len > 0 && offset + e.len <= SIZE);
		assert_true (e.data || !is_data (offset, &end));
		is_data (offset, &end);
		told += e.data ? MIN (end - offset, e.len) : 0;
	}
	assert_int_equal (told, image->allocated);
	assert_true (image->allocated >= 41 * MIB && image->allocated < 43 * MIB);
}

static void a_disk_is_read_as_it_is (void **format)
{
	g_autofree char *words = g_strdup_printf ("qemu-nbd -r -t -e 8 -f %s -k %s %s", (char *) *format, at,
						  strcmp (*format, "raw") == 0 ? disk : qcow2);
	struct image *image;

	server_start (words);
	image = image_of (NULL);
	assert_int_equal (image->size, SIZE);
	compare_maps (image);
	read_at_random (image, 3000);
	assert_int_equal (answer (ask (image, 35 * MIB, 45 * MIB)), 0);         /* more than a server takes at a time */
	assert_int_equal (answer (ask (image, 0, SIZE)), 0);
	image_unref (image);
}

static void without_a_map_all_is_data (void **unused)
{
	struct image *image;
	struct extent e;
	struct fault f;

	(void) unused;
	server_start ("nbdkit -f -r --no-sr -U @ file #");
	image = image_of (NULL);
	assert_int_equal (image->allocated, SIZE);
	assert_int_equal (image->ops->extent (image, 10 * MIB, &e, &f), 0);
	assert_true (e.data && e.len == SIZE - 10 * MIB);
	read_at_random (image, 500);
	image_unref (image);
}

static void an_error_is_an_error_and_the_rest_is_right (void **unused)
{
	int failed = 0, right = 0;
	struct image *image;

	(void) unused;
	server_start ("nbdkit -f -r -U @ --filter=error file # error-pread=ENOSPC error-pread-rate=40%");
	image = image_of (NULL);
	for (int i = 0; i < 400; i++) {
		int err = answer (ask (image, 40 * MIB + i * 100003, 70001));

		assert_true (err == 0 || err == EIO);
		failed += err == EIO;
		right += err == 0;
	}
	assert_true (failed > 50 && right > 50);
	assert_int_equal (answer (ask (image, MIB, 4096)), 0);          /* a hole asks nobody */
	image_unref (image);
}

static void when_the_server_dies_all_is_EIO_for_good (void **unused)
{
	struct reader *readers[40];
	struct image *image;
	size_t i;

	(void) unused;
	server_start ("nbdkit -f -r -U @ --filter=delay file # rdelay=30");
	image = image_of (NULL);
	for (i = 0; i < G_N_ELEMENTS (readers); i++)
		readers[i] = ask (image, 40 * MIB + i * 65536, 131072);
	g_usleep (100000);
	server_stop (NULL);
	for (i = 0; i < G_N_ELEMENTS (readers); i++)
		assert_int_equal (answer (readers[i]), EIO);
	assert_int_equal (answer (ask (image, 0, 4096)), EIO);
	assert_int_equal (answer (ask (image, MIB, 4096)), EIO);        /* nor is a hole known any more */
	image_unref (image);
}

static void what_has_ended_is_EIO_whoever_asked_before (void **unused)
{
	struct image *image;
	struct reader *before;

	(void) unused;
	server_start ("nbdkit -f -r -U @ --filter=delay file # rdelay=500ms");
	image = image_of (NULL);
	before = ask (image, 40 * MIB, 4096);
	image_end (image);
	assert_int_equal (answer (ask (image, 40 * MIB, 4096)), EIO);
	assert_int_equal (answer (ask (image, MIB, 4096)), EIO);
	assert_int_equal (answer (before), EIO);
	image_unref (image);
}

static void the_answer_may_close_the_image (void **unused)
{
	(void) unused;
	server_start ("qemu-nbd -r -t -e 8 -f raw -k @ #");
	for (int i = 0; i < 50; i++) {
		struct image *image = image_of (NULL);
		struct reader *reader = g_new (struct reader, 1);

		*reader = (struct reader) { .read = { 40 * MIB, 4096, g_malloc (4096), on_done }, .err = -1, .drop = image,
					    .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER };
		image_read (image, &reader->read);
		assert_int_equal (answer (reader), 0);
	}
}

struct witness {
	struct nbd_witness witness;
	int asked, dismissed;
	bool denies;
};

static void testify (struct nbd_witness *witness, struct image *image, struct image_read *read)
{
	struct witness *self = (struct witness *) witness;

	__atomic_add_fetch (&self->asked, 1, __ATOMIC_SEQ_CST);
	image_done (image, read, self->denies ? EIO : 0);
}

static void dismiss (struct nbd_witness *witness)
{
	((struct witness *) witness)->dismissed++;
}

static void only_the_last_data_has_a_witness (void **unused)
{
	struct witness witness = { .witness = { false, testify, dismiss } };
	struct image *image;
	struct fault f;

	(void) unused;
	server_start ("qemu-nbd -r -t -e 8 -f raw -k @ #");
	image = image_of (&witness.witness);
	assert_int_equal (answer (ask (image, 0, 3 * MIB)), 0);
	assert_int_equal (answer (ask (image, DATA_END - 8192, 8191)), 0);
	assert_int_equal (answer (ask (image, DATA_END, 4096)), 0);
	assert_int_equal (witness.asked, 0);
	assert_int_equal (answer (ask (image, DATA_END - 1, 1)), 0);
	assert_int_equal (answer (ask (image, 60 * MIB, SIZE - 60 * MIB)), 0);
	assert_int_equal (witness.asked, 2);
	witness.denies = true;
	assert_int_equal (answer (ask (image, DATA_END - 1, 1)), EIO);
	assert_int_equal (answer (ask (image, 0, 1)), 0);
	__atomic_store_n (&witness.witness.doubts, true, __ATOMIC_RELEASE);     /* then of all data */
	assert_int_equal (answer (ask (image, 0, 1)), EIO);
	assert_int_equal (witness.dismissed, 0);
	image_unref (image);
	assert_int_equal (witness.dismissed, 1);
	assert_int_equal (nbd_image (at, "nosuch", NULL, &witness.witness, &image, &f), -EIO);
	assert_int_equal (witness.dismissed, 2);
}

static void a_server_that_lies_is_not_believed (void **unused)
{
	static const struct {
		struct lies lies;
		int err;
		const char *sentence;
	} at_begin[] = {
		{ { .size = 1ull << 63 }, EIO, NULL },
		{ { .size = MIB, .status_len = 0, .status_copies = 1 }, EIO, "the NBD server tells no map: Protocol error" },
		{ { .size = MIB, .status_copies = 0 }, EIO, NULL },
		{ { .size = MIB, .mute = 1 }, ETIMEDOUT, "the NBD server did not tell its map within 1 s" },
	};

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (at_begin); i++) {
		struct image *image;
		struct fault f;

		nbd_patience = at_begin[i].lies.mute ? 1 : 60;
		liar_begin (at, &at_begin[i].lies);
		assert_int_equal (nbd_image (at, "", NULL, NULL, &image, &f), -at_begin[i].err);
		if (at_begin[i].sentence)
			assert_string_equal (f.text, at_begin[i].sentence);
		liar_end ();
	}
	nbd_patience = 60;
}

static void a_map_ends_with_the_image_and_short_data_is_EIO (void **unused)
{
	static const struct lies lies = { .size = MIB, .status_len = 700000, .status_copies = 5, .short_by = 1 };
	struct image *image;
	struct extent e;
	struct fault f;

	(void) unused;
	liar_begin (at, &lies);
	image = image_of (NULL);
	assert_int_equal (image->allocated, MIB);
	assert_int_equal (image->ops->extent (image, 1, &e, &f), 0);
	assert_int_equal (e.len, MIB - 1);
	assert_int_equal (answer (ask (image, 0, 4096)), EIO);
	image_unref (image);
	liar_end ();
}

static void where_nobody_listens_there_is_no_image (void **unused)
{
	struct image *image;
	struct fault f;

	(void) unused;
	unlink (at);
	assert_int_equal (nbd_image (at, "", NULL, NULL, &image, &f), -EIO);
	assert_non_null (strstr (f.text, "No such file or directory"));
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		{ "a_raw_disk_is_read_as_it_is", a_disk_is_read_as_it_is, NULL, server_stop, (char *) "raw" },
		{ "a_qcow2_is_read_as_it_is", a_disk_is_read_as_it_is, NULL, server_stop, (char *) "qcow2" },
		cmocka_unit_test_teardown (without_a_map_all_is_data, server_stop),
		cmocka_unit_test_teardown (an_error_is_an_error_and_the_rest_is_right, server_stop),
		cmocka_unit_test_teardown (when_the_server_dies_all_is_EIO_for_good, server_stop),
		cmocka_unit_test_teardown (what_has_ended_is_EIO_whoever_asked_before, server_stop),
		cmocka_unit_test_teardown (the_answer_may_close_the_image, server_stop),
		cmocka_unit_test_teardown (only_the_last_data_has_a_witness, server_stop),
		cmocka_unit_test (a_server_that_lies_is_not_believed),
		cmocka_unit_test (a_map_ends_with_the_image_and_short_data_is_EIO),
		cmocka_unit_test (where_nobody_listens_there_is_no_image),
	};

	return cmocka_run_group_tests (tests, server_make_disks, server_remove_disks);
}
