/* libvirt-backup-served.c - a backup whose bytes this process serves
 *
 * libvirt ends a job before it stops the NBD server: what is read in between is
 * live data, without an error.  So what reaches the end of an image is held until
 * the job has been seen half a second later, and so is everything after a sign
 * that it may have ended. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-served.h"

enum { DOUBT_US = 500000 };     /* what libvirt may need from the end of a job to that of its server, and more */

struct part {
	char *disk;
	struct image *image;
};

struct held {
	struct image *image;
	struct image_read *read;
	gint64 due;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards the below; taken before a backup's own */
static GPtrArray *all;          /* of struct served, each with a reference */

static void part_free (void *ptr)
{
	struct part *part = ptr;

	image_unref (part->image);
	g_free (part->disk);
	g_free (part);
}

static void testify (struct nbd_witness *witness, struct image *image, struct image_read *read)
{
	struct served *served = (struct served *) witness;
	struct held held = { image, read, g_get_monotonic_time () + DOUBT_US };

	pthread_mutex_lock (&served->lock);
	if (!served->ended) {
		g_array_append_val (served->held, held);
		pthread_cond_broadcast (&served->news);
		read = NULL;
	}
	pthread_mutex_unlock (&served->lock);
	if (read)
		image_done (image, read, EIO);
}

static void dismiss (struct nbd_witness *witness)
{
	served_unref ((struct served *) witness);
}

struct served *served_new (struct libvirt *lv, virDomainPtr dom, const char *domain, const char *name,
			   const struct backup_note *note, const char *scratch)
{
	struct served *served = g_new (struct served, 1);
	char uuid[VIR_UUID_STRING_BUFLEN] = "";

	virDomainGetUUIDString (dom, uuid);
	*served = (struct served) {
		.witness = { false, testify, dismiss }, .lv = lv, .refs = 1, .uuid = g_strdup (uuid),
		.domain = g_strdup (domain), .name = g_strdup (name), .socket = g_strdup (note->socket),
		.directory = g_strdup (note->directory), .target = g_strdup (note->target), .id = virDomainGetID (dom),
		.scratch = backup_scratch_parse (scratch), .images = g_ptr_array_new_with_free_func (part_free),
		.held = g_array_new (FALSE, FALSE, sizeof (struct held)),
	};
	pthread_mutex_init (&served->lock, NULL);
	pthread_cond_init (&served->news, NULL);
	return served;
}

struct served *served_ref (struct served *served)
{
	__atomic_add_fetch (&served->refs, 1, __ATOMIC_RELAXED);
	return served;
}

void served_unref (struct served *served)
{
	if (!served || __atomic_sub_fetch (&served->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (served->record)
		record_leave (served->record);
	g_ptr_array_unref (served->images);
	g_array_unref (served->held);
	g_array_unref (served->scratch);
	pthread_cond_destroy (&served->news);
	pthread_mutex_destroy (&served->lock);
	g_free (served->uuid);
	g_free (served->domain);
	g_free (served->name);
	g_free (served->socket);
	g_free (served->directory);
	g_free (served->target);
	g_free (served);
}

/* Called under the lock. */
static struct served *at_socket (const char *socket)
{
	for (guint i = 0; all && i < all->len; i++) {
		struct served *served = all->pdata[i];

		if (strcmp (served->socket, socket) == 0)
			return served;
	}
	return NULL;
}

struct served *served_find (const char *socket)
{
	LOCKED (&lock);
	struct served *served = at_socket (socket);

	return served ? served_ref (served) : NULL;
}

static void unref (void *served)
{
	served_unref (served);
}

GPtrArray *served_all (const char *uuid)
{
	GPtrArray *some = g_ptr_array_new_with_free_func (unref);

	LOCKED (&lock);
	for (guint i = 0; all && i < all->len; i++) {
		struct served *served = all->pdata[i];

		if (!uuid || strcmp (served->uuid, uuid) == 0)
			g_ptr_array_add (some, served_ref (served));
	}
	return some;
}

static void give_record (struct served *to, struct record **record)
{
	LOCKED (&to->lock);

	if (!to->record)
		to->record = g_steal_pointer (record);
}

/* Called under the lock. */
static int begin (struct served *served)
{
	pthread_t thread;
	int err;

	served->watched = true;
	served->stopping = false;
	err = pthread_create (&thread, NULL, served_watch, served_ref (served));
	if (err == 0) {
		pthread_detach (thread);
		g_ptr_array_add (all, served_ref (served));
		return 0;
	}
	served->watched = false;
	served_unref (served);
	return -err;
}

struct served *served_begin (struct served *fresh, struct fault *f)
{
	LOCKED (&lock);
	struct served *older = at_socket (fresh->socket);

	all = all ? all : g_ptr_array_new ();
	if (!older && begin (fresh) == 0)
		return fresh;
	if (older)
		give_record (served_ref (older), &fresh->record);
	else
		fault (f, EAGAIN, "no more threads to watch %s", fresh->name);
	served_unref (fresh);
	return older;
}

void served_forget (struct served *served)
{
	LOCKED (&lock);

	if (all && g_ptr_array_remove_fast (all, served))
		served_unref (served);
}

bool served_await (struct served *served, gint64 until)
{
	LOCKED (&served->lock);

	while (served->watched)
		if (!lock_wait (&served->news, &served->lock, until))
			return false;
	return true;
}

void served_stop (struct served *served)
{
	served_forget (served);
	LOCKED (&served->lock);
	served->stopping = true;
	pthread_cond_broadcast (&served->news);
}

/* The image of DISK, one reference of it.  Called under its lock. */
static struct image *image_of (struct served *served, const char *disk)
{
	for (guint i = 0; i < served->images->len; i++) {
		struct part *part = served->images->pdata[i];

		if (strcmp (part->disk, disk) == 0)
			return image_ref (part->image);
	}
	return NULL;
}

static struct image *image_there (struct served *served, const char *disk)
{
	LOCKED (&served->lock);

	return image_of (served, disk);
}

/* IMAGE becomes the one of DISK, unless somebody was faster: then it is returned. */
static struct image *enter (struct served *served, const char *disk, struct image **image)
{
	LOCKED (&served->lock);
	struct image *other = image_of (served, disk);
	struct part *part;

	if (other) {
		struct image *mine = *image;

		*image = other;
		return mine;
	}
	if (served->ended)
		image_end (*image);
	part = g_new (struct part, 1);
	*part = (struct part) { g_strdup (disk), image_ref (*image) };
	g_ptr_array_add (served->images, part);
	return NULL;
}

int served_image (struct served *served, const char *disk, bool counts, struct image **image, struct fault *f)
{
	g_autofree char *bitmap = counts ? g_strconcat ("backup-", disk, NULL) : NULL;
	int r;

	*image = image_there (served, disk);
	if (*image)
		return 0;
	r = backup_connect (served, disk, bitmap, image, f);
	if (r == 0)
		image_unref (enter (served, disk, image));
	return r;
}

bool served_is_open (struct served *served)
{
	bool open = false;

	LOCKED (&served->lock);
	for (guint i = 0; i < served->images->len; i++) {
		const struct part *part = served->images->pdata[i];

		open |= __atomic_load_n (&part->image->refs, __ATOMIC_RELAXED) > 1;
	}
	return open;
}

/* Its images are EIO for good from here on; what they held is still to be answered. */
static GPtrArray *take_images (struct served *served, bool for_good, GArray **held)
{
	LOCKED (&served->lock);
	GPtrArray *images = served->images;

	for (guint i = 0; i < images->len; i++)
		image_end (((struct part *) images->pdata[i])->image);
	*held = served->held;
	served->images = g_ptr_array_new_with_free_func (part_free);
	served->held = g_array_new (FALSE, FALSE, sizeof (struct held));
	served->ended |= for_good;
	pthread_cond_broadcast (&served->news);
	return images;
}

static void answer (GArray *held)
{
	for (guint i = 0; i < held->len; i++) {
		const struct held *one = &g_array_index (held, struct held, i);

		image_done (one->image, one->read, 0);
	}
	g_array_unref (held);
}

void served_close (struct served *served)
{
	GArray *held;
	g_autoptr (GPtrArray) G_GNUC_UNUSED images = take_images (served, false, &held);

	answer (held);
}

static struct record *take_record (struct served *served)
{
	LOCKED (&served->lock);

	return g_steal_pointer (&served->record);
}

struct record *served_end (struct served *served)
{
	GArray *held;
	g_autoptr (GPtrArray) G_GNUC_UNUSED images = take_images (served, true, &held);

	answer (held);
	return take_record (served);
}

bool served_has_ended (struct served *served)
{
	LOCKED (&served->lock);

	return served->ended;
}

int served_note (struct served *served, const char *file, const char *text, struct fault *f)
{
	LOCKED (&served->lock);

	if (!served->record)
		return fault (f, EBUSY, "%s is ending, or another mount's", served->name);
	return record_put (served->record, file, text, f);
}

bool served_is_ours (struct served *served)
{
	LOCKED (&served->lock);

	return served->record != NULL;
}

static void set_doubts (struct served *served, gint64 since)
{
	served->doubted = since;
	__atomic_store_n (&served->witness.doubts, since > 0, __ATOMIC_RELEASE);
}

void served_doubt (struct served *served)
{
	LOCKED (&served->lock);

	set_doubts (served, g_get_monotonic_time ());
	served->kicked = true;
	pthread_cond_broadcast (&served->news);
}

gint64 served_due (const struct served *served)
{
	gint64 due = served->doubted ? served->doubted + DOUBT_US : G_MAXINT64;

	return served->held->len > 0 ? MIN (due, g_array_index (served->held, struct held, 0).due) : due;
}

/* What was held so long ago that a look at ASKED tells. */
static GArray *take_due (struct served *served, gint64 asked)
{
	GArray *held = g_array_new (FALSE, FALSE, sizeof (struct held)), *rest = g_array_new (FALSE, FALSE, sizeof (struct held));

	LOCKED (&served->lock);
	for (guint i = 0; i < served->held->len; i++) {
		const struct held *one = &g_array_index (served->held, struct held, i);

		g_array_append_val (one->due <= asked ? held : rest, *one);
	}
	g_array_unref (served->held);
	served->held = rest;
	if (served->doubted && served->doubted + DOUBT_US <= asked)
		set_doubts (served, 0);
	return held;
}

void served_confirm (struct served *served, gint64 asked)
{
	answer (take_due (served, asked));
}
