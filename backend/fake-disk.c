/* fake-disk.c - a hypervisor made of nothing: the bytes of its disks
 *
 * The file FAKE_DISK, or a made-up disk of which every other MiB has data. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"

enum { MIB = 1 << 20, SIZE = 8 * MIB + 512 };

struct disk {
	struct image image;
	struct fake *fake;
	char *domain, *name;
	int fd, dirty;          /* -1: made up; all is dirty */
};

uint64_t fake_disk_size (uint64_t *allocated)
{
	const char *path = getenv ("FAKE_DISK");
	struct stat st;

	if (!path || stat (path, &st) < 0) {
		*allocated = SIZE / 2;
		return SIZE;
	}
	*allocated = st.st_blocks * 512;
	return st.st_size;
}

/* vda can track its changes, vdb cannot. */
void fake_disks (struct listing *out)
{
	for (int i = 0; i < 2; i++) {
		struct entry *disk = listing_add (out, entry_new (i == 0 ? "vda" : "vdb"));

		disk->size = fake_disk_size (&disk->allocated);
		disk->state = g_strdup (i == 0 ? "qcow2" : "raw");
		disk->text = g_strdup_printf ("/fake/%s.%s", disk->name, disk->state);
		disk->can = i == 0 ? CAN_BITMAP : 0;
	}
}

static bool is_data (uint64_t at)
{
	return at / MIB % 2 == 0;
}

static void answer (struct image *image, struct image_read *read)
{
	const struct disk *disk = (struct disk *) image;
	char *into = read->into;
	ssize_t n = read->len;

	if (disk->fd >= 0)
		n = pread (disk->fd, into, read->len, read->offset);
	else
		for (size_t i = 0; i < read->len; i++)
			into[i] = is_data (read->offset + i) ? "0123456789abcdef"[(read->offset + i) % 16] : 0;
	image_done (image, read, n == (ssize_t) read->len ? 0 : EIO);
}

struct late {
	struct image *image;
	struct image_read *read;
};

static void *answer_late (void *data)
{
	g_autofree struct late *late = data;

	while (fake_hangs ("images"))
		g_usleep (10000);
	answer (late->image, late->read);
	return NULL;
}

static void disk_read (struct image *image, struct image_read *read)
{
	struct late *late;
	pthread_t thread;

	if (!fake_hangs ("images")) {
		answer (image, read);
		return;
	}
	late = g_new (struct late, 1);
	*late = (struct late) { image, read };
	pthread_create (&thread, NULL, answer_late, late);
	pthread_detach (thread);
}

/* Has FD data at AT?  Shorten *END to where that ends. */
static bool has_data (int fd, uint64_t at, uint64_t *end)
{
	off_t data = lseek (fd, at, SEEK_DATA), hole;

	if (data < 0 || (uint64_t) data > at) {
		*end = data < 0 ? *end : MIN (*end, (uint64_t) data);
		return false;
	}
	hole = lseek (fd, at, SEEK_HOLE);
	*end = MIN (*end, (uint64_t) hole);
	return true;
}

static int disk_extent (struct image *image, uint64_t at, struct extent *e, struct fault *f)
{
	const struct disk *disk = (struct disk *) image;
	uint64_t end = image->size;

	(void) f;
	if (disk->fd >= 0)
		e->data = has_data (disk->fd, at, &end);
	else {
		e->data = is_data (at);
		end = MIN (end, (at / MIB + 1) * MIB);
	}
	e->dirty = disk->dirty < 0 || has_data (disk->dirty, at, &end);
	e->len = end - at;
	return 0;
}

static void disk_close (struct image *image)
{
	struct disk *disk = (struct disk *) image;

	pthread_mutex_lock (&disk->fake->lock);
	g_ptr_array_remove_fast (disk->fake->open, disk);
	pthread_mutex_unlock (&disk->fake->lock);
	if (disk->fd >= 0)
		close (disk->fd);
	if (disk->dirty >= 0)
		close (disk->dirty);
	g_free (disk->domain);
	g_free (disk->name);
	g_free (disk);
}

static const struct image_ops disk_ops = { .read = disk_read, .extent = disk_extent, .close = disk_close };

static int open_file (const char *variable)
{
	const char *path = getenv (variable);

	return path ? open (path, O_RDONLY | O_CLOEXEC) : -1;
}

struct image *fake_disk_image (struct fake *fake, const char *domain, const char *name, bool counts)
{
	struct disk *disk = g_new (struct disk, 1);

	LOCKED (&fake->lock);
	*disk = (struct disk) { .image = { .ops = &disk_ops, .refs = 1 }, .fake = fake, .domain = g_strdup (domain),
				.name = g_strdup (name), .fd = open_file ("FAKE_DISK"),
				.dirty = counts ? open_file ("FAKE_DIRTY") : -1 };
	disk->image.size = fake_disk_size (&disk->image.allocated);
	g_ptr_array_add (fake->open, disk);
	return &disk->image;
}

int fake_disk_open (struct backend *be, const char *domain, const char *name, const char *disk,
		    struct image **image, struct fault *f)
{
	struct fake *fake = fake_of (be);

	pthread_mutex_lock (&fake->lock);
	const struct guest *guest = fake_guest (fake, "open", domain, f);

	pthread_mutex_unlock (&fake->lock);
	if (!guest)
		return -f->err;
	*image = fake_disk_image (fake, domain, name, fake_backup_counts (name, disk));
	return 0;
}

void fake_disk_end (struct fake *fake, const struct guest *guest, const char *name)
{
	for (guint i = 0; i < fake->open->len; i++) {
		struct disk *disk = fake->open->pdata[i];

		if (strcmp (disk->domain, guest->name) == 0 && (!name || strcmp (disk->name, name) == 0))
			image_end (&disk->image);
	}
}
