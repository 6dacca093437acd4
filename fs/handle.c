/* handle.c - what the kernel has open */

#include "handle.h"
#include "lock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards all of the below */
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
static GHashTable *open;        /* a set of those that the kernel has not closed */
static int living;              /* those, and those that are still read */

void handle_open (struct handle *handle, void (*free) (struct handle *))
{
	*handle = (struct handle) { .free = free, .refs = 1 };
	LOCKED (&lock);
	if (!open)
		open = g_hash_table_new (NULL, NULL);
	g_hash_table_add (open, handle);
	living++;
}

struct handle *handle_ref (struct handle *handle)
{
	__atomic_add_fetch (&handle->refs, 1, __ATOMIC_RELAXED);
	return handle;
}

void handle_unref (struct handle *handle)
{
	if (__atomic_sub_fetch (&handle->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	handle->free (handle);
	LOCKED (&lock);
	living--;
	pthread_cond_broadcast (&freed);
}

static bool forget (struct handle *handle)
{
	LOCKED (&lock);
	return g_hash_table_remove (open, handle);
}

void handle_close (struct handle *handle)
{
	if (forget (handle))
		handle_unref (handle);
}

static struct handle *take (void)
{
	LOCKED (&lock);
	GHashTableIter iter;
	struct handle *handle;

	if (!open)
		return NULL;
	g_hash_table_iter_init (&iter, open);
	return g_hash_table_iter_next (&iter, (void **) &handle, NULL) ? handle : NULL;
}

bool handles_end (double seconds)
{
	gint64 until = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
	struct handle *handle;

	while ((handle = take ()))
		handle_close (handle);
	LOCKED (&lock);
	while (living > 0 && lock_wait (&freed, &lock, until))
		;
	return living == 0;
}
