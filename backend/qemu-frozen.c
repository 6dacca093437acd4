/* qemu-frozen.c - disks as they were once, which nobody writes to any more
 *
 * To lock the file of an internal snapshot would keep its guest from starting, so it is
 * read without, and somebody may delete the snapshot meanwhile: QEMU writes the table of
 * snapshots first, and then gives the clusters away.  So bytes are right if the snapshot's
 * entry is seen unchanged after they have been read, for which each image has a thread:
 * who reads an image must not wait for a disk.
 *
 *     RUN/frozen-XXXXXX/     locked by the process that reads
 *         nbd  pid           of its qemu-nbd, which ends with its only client */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <unistd.h>

#include "lock.h"
#include "nbd.h"
#include "qemu-bytes.h"
#include "qemu-chain.h"
#include "qemu-daemon.h"
#include "qemu-frozen.h"
#include "qemu-sizes.h"
#include "qemu-tags.h"

enum { QCOW2_SIZE = 24 };       /* where the header has the size of the disk */

static const char prefix[] = "frozen-";

/* Who looks after an image, until it is dismissed. */
struct keeper {
	struct nbd_witness witness;     /* first */
	int file;                       /* of the snapshot, or -1 */
	struct qemu_tag tag;
	char *directory;
	int directory_fd;               /* it is locked as long as that is open */
	pthread_mutex_t lock;           /* guards the below */
	pthread_cond_t news;
	GArray *held;                   /* of struct held */
	bool dismissed;
};

/* A read whose bytes have come. */
struct held {
	struct image *image;
	struct image_read *read;
};

static void testify (struct nbd_witness *witness, struct image *image, struct image_read *read)
{
	struct keeper *keeper = (struct keeper *) witness;
	struct held held = { image, read };

	LOCKED (&keeper->lock);
	g_array_append_val (keeper->held, held);
	pthread_cond_broadcast (&keeper->news);
}

static void dismiss (struct nbd_witness *witness)
{
	struct keeper *keeper = (struct keeper *) witness;

	LOCKED (&keeper->lock);
	keeper->dismissed = true;
	pthread_cond_broadcast (&keeper->news);
}

static void remove_directory (const char *directory)
{
	static const char *const files[] = { "nbd", "pid" };
	g_autofree char *pid = g_build_filename (directory, "pid", NULL);
	struct fault ignored;

	qemu_daemon_end (pid, &ignored);
	for (size_t i = 0; i < G_N_ELEMENTS (files); i++) {
		g_autofree char *path = g_build_filename (directory, files[i], NULL);

		unlink (path);
	}
	rmdir (directory);
}

static void keeper_free (struct keeper *keeper)
{
	if (keeper->directory)
		remove_directory (keeper->directory);
	if (keeper->directory_fd >= 0)
		close (keeper->directory_fd);
	if (keeper->file >= 0)
		close (keeper->file);
	qemu_tag_clear (&keeper->tag);
	g_array_unref (keeper->held);
	pthread_cond_destroy (&keeper->news);
	pthread_mutex_destroy (&keeper->lock);
	g_free (keeper->directory);
	g_free (keeper);
}

/* What waits for an answer, as soon as there is any; NULL if nobody will ask any more. */
static GArray *await_held (struct keeper *keeper)
{
	LOCKED (&keeper->lock);
	GArray *held = keeper->held;

	while (held->len == 0 && !keeper->dismissed)
		pthread_cond_wait (&keeper->news, &keeper->lock);
	if (held->len == 0)
		return NULL;
	keeper->held = g_array_new (FALSE, FALSE, sizeof (struct held));
	return held;
}

static bool is_as_it_was (const struct keeper *keeper)
{
	return keeper->file < 0 || qemu_tag_is_there (keeper->file, &keeper->tag);
}

static void *keep (void *data)
{
	struct keeper *keeper = data;
	GArray *held;

	while ((held = await_held (keeper))) {
		bool right = is_as_it_was (keeper);

		for (guint i = 0; i < held->len; i++) {
			const struct held *one = &g_array_index (held, struct held, i);

			if (!right)
				image_end (one->image);
			image_done (one->image, one->read, right ? 0 : EIO);
		}
		g_array_unref (held);
	}
	keeper_free (keeper);
	return NULL;
}

static struct keeper *keeper_new (void)
{
	struct keeper *keeper = g_new (struct keeper, 1);

	*keeper = (struct keeper) { .witness = { .testify = testify, .dismiss = dismiss }, .file = -1, .directory_fd = -1,
				    .held = g_array_new (FALSE, FALSE, sizeof (struct held)) };
	pthread_mutex_init (&keeper->lock, NULL);
	pthread_cond_init (&keeper->news, NULL);
	return keeper;
}

static int open_file (const struct qemu_frozen *what, struct fault *f)
{
	int fd = open (what->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 ? fd : fault (f, errno == ENOENT ? ENOENT : EIO, "%s cannot be read: %s", what->file, g_strerror (errno));
}

static int find_tag (const struct qemu_frozen *what, int fd, struct qemu_tag *tag, struct fault *f)
{
	int r = qemu_tag_find (fd, what->tag, tag);

	if (r == -EIO)
		return fault (f, EIO, "%s is no whole qcow2 image", what->file);
	return r < 0 ? fault (f, -r, "%s holds %s snapshot %s, see qemu-img snapshot -l", what->file,
			      r == -ENOENT ? "no" : "more than one", what->tag) : 0;
}

static int size_of_file (const struct qemu_frozen *what, int fd, uint64_t *bytes, struct fault *f)
{
	unsigned char number[8];
	struct stat st;

	if (strcmp (what->format, "qcow2") == 0 && bytes_read (fd, QCOW2_SIZE, number, sizeof number))
		*bytes = bytes_number (number, sizeof number);
	else if (strcmp (what->format, "raw") != 0 || fstat (fd, &st) < 0)
		return fault (f, EOPNOTSUPP, "%s is of the format %s, of which nothing is known here", what->file, what->format);
	else if (!S_ISBLK (st.st_mode))
		*bytes = (st.st_size + 511) & ~UINT64_C (511);
	else if (ioctl (fd, BLKGETSIZE64, bytes) < 0)
		return fault (f, EIO, "%s does not tell its size", what->file);
	return 0;
}

static int read_size (const struct qemu_frozen *what, uint64_t *bytes, struct fault *f)
{
	struct qemu_tag tag = { 0 };
	struct stat st;
	int fd = open_file (what, f), r;

	if (fd < 0)
		return fd;
	if (fstat (fd, &st) < 0)
		st = (struct stat) { 0 };
	r = what->tag ? find_tag (what, fd, &tag, f) : size_of_file (what, fd, bytes, f);
	if (r == 0 && what->tag)
		*bytes = tag.size;
	if (r == 0)
		qemu_sizes_keep (what, &st, *bytes);
	qemu_tag_clear (&tag);
	close (fd);
	return r;
}

int qemu_frozen_size (const struct qemu_frozen *what, uint64_t *bytes, struct fault *f)
{
	struct stat st;

	if (stat (what->file, &st) == 0 && qemu_sizes_find (what, &st, bytes))
		return 0;
	return read_size (what, bytes, f);
}

static int make_directory (struct keeper *keeper, const char *run, struct fault *f)
{
	g_autofree char *directory = g_strdup_printf ("%s/%s%08x", run, prefix, g_random_int ());

	if (g_mkdir_with_parents (run, 0711) < 0 || mkdir (directory, 0700) < 0)
		return fault (f, errno, "cannot make %s: %s", directory, g_strerror (errno));
	keeper->directory = g_steal_pointer (&directory);
	keeper->directory_fd = open (keeper->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keeper->directory_fd < 0 || flock (keeper->directory_fd, LOCK_EX | LOCK_NB) < 0)
		return fault (f, EIO, "cannot lock %s: %s", keeper->directory, g_strerror (errno));
	return 0;
}

/* A comma in a value is written twice. */
static char *option_of (const struct qemu_tag *tag, const char *name)
{
	g_auto (GStrv) ids = g_strsplit (tag->id, ",", -1), names = g_strsplit (name, ",", -1);
	g_autofree char *id = g_strjoinv (",,", ids), *twice = g_strjoinv (",,", names);

	return g_strdup_printf ("--load-snapshot=snapshot.id=%s,snapshot.name=%s", id, twice);
}

static int launch (const struct keeper *keeper, const struct qemu_frozen *what, struct fault *f)
{
	g_autoptr (GPtrArray) chain = qemu_chain (what->file, what->format, f);
	g_autoptr (GArray) held = qemu_held_new ();
	g_autofree char *pid = g_strdup_printf ("--pid-file=%s/pid", keeper->directory);
	g_autofree char *socket = g_strdup_printf ("--socket=%s/nbd", keeper->directory);
	g_autofree char *load = what->tag ? option_of (&keeper->tag, what->tag) : NULL, *image = NULL;
	const char *argv[] = { "qemu-nbd", "--fork", "--read-only", pid, socket, NULL, NULL, NULL };

	if (!chain || qemu_chain_hold (chain, what->tag ? 1 : 0, held, f) < 0)
		return -f->err;
	image = qemu_chain_text (chain, what->tag != NULL);
	argv[5] = image;
	if (load) {
		argv[5] = load;
		argv[6] = image;
	}
	return image ? qemu_daemon_start (argv, held, f) :
	       fault (f, EOPNOTSUPP, "%s has a name that QEMU cannot be told", what->file);
}

/* Is what was opened by its name the file that we look at? */
static bool is_at (int fd, const char *file)
{
	struct stat one, other;

	return fstat (fd, &one) == 0 && stat (file, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int begin (struct keeper *keeper, const struct qemu_frozen *what, const char *run, struct fault *f)
{
	int r = 0;

	if (what->tag) {
		r = keeper->file = open_file (what, f);
		keeper->witness.doubts = true;
		if (r >= 0)
			r = find_tag (what, keeper->file, &keeper->tag, f);
	}
	if (r >= 0)
		r = make_directory (keeper, run, f);
	return r < 0 ? r : launch (keeper, what, f);
}

/* From here on the keeper is its thread's, which ends when it is dismissed. */
static int keep_on (struct keeper *keeper, struct fault *f)
{
	pthread_t thread;
	int r = pthread_create (&thread, NULL, keep, keeper);

	if (r == 0)
		pthread_detach (thread);
	return r ? fault (f, EAGAIN, "no more threads to read a snapshot") : 0;
}

/* The disk may have another size now than it had then. */
static int verify (const struct keeper *keeper, const struct qemu_frozen *what, struct image *image, struct fault *f)
{
	if (!what->tag)
		return 0;
	if (!is_as_it_was (keeper) || !is_at (keeper->file, what->file) || image->size < keeper->tag.size)
		return fault (f, EIO, "snapshot %s of %s has changed meanwhile", what->tag, what->file);
	image->size = keeper->tag.size;
	image->allocated = MIN (image->allocated, image->size);
	return 0;
}

int qemu_frozen_open (const struct qemu_frozen *what, const char *run, struct image **image, struct fault *f)
{
	struct keeper *keeper = keeper_new ();
	g_autofree char *socket = NULL;
	int r = begin (keeper, what, run, f);

	socket = r < 0 ? NULL : g_build_filename (keeper->directory, "nbd", NULL);
	if (r < 0 || keep_on (keeper, f) < 0) {
		keeper_free (keeper);
		return -f->err;
	}
	r = nbd_image (socket, "", NULL, &keeper->witness, image, f);
	if (r < 0)
		return r;
	r = verify (keeper, what, *image, f);
	if (r < 0)
		image_unref (*image);
	return r;
}

static void tidy (const char *directory)
{
	int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock (fd, LOCK_EX | LOCK_NB) == 0)
		remove_directory (directory);
	close (fd);
}

void qemu_frozen_tidy (const char *run)
{
	g_autoptr (GDir) dir = g_dir_open (run, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name (dir))) {
		g_autofree char *path = g_build_filename (run, name, NULL);

		if (g_str_has_prefix (name, prefix))
			tidy (path);
	}
}
