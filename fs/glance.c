/* glance.c - what is looked at every now and then
 *
 * One thread looks at all of them, and is there for as long as there are any. */

#include "glance.h"
#include "lock.h"

enum { PAUSE = G_USEC_PER_SEC / 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards all of the below */
static GPtrArray *begun;        /* of struct glance, that the thread does not know yet */
static bool looking;            /* there is a thread */

/* Add to ALL what has begun; if that leaves none, the thread is to end. */
static bool join (GPtrArray *all)
{
	LOCKED (&lock);

	g_ptr_array_extend_and_steal (all, begun);
	begun = g_ptr_array_new ();
	return looking = all->len > 0;
}

static void *look (void *unused)
{
	g_autoptr (GPtrArray) all = g_ptr_array_new ();

	while (join (all)) {
		for (guint i = all->len; i-- > 0;) {
			struct glance *glance = all->pdata[i];

			if (!glance->look (glance))
				g_ptr_array_remove_index_fast (all, i);
		}
		g_usleep (PAUSE);
	}
	return unused;
}

void glance_begin (struct glance *glance)
{
	LOCKED (&lock);
	pthread_t thread;

	if (!begun)
		begun = g_ptr_array_new ();
	g_ptr_array_add (begun, glance);
	if (looking || pthread_create (&thread, NULL, look, NULL) != 0)
		return;                 /* where there is no thread, the next one tries again */
	pthread_detach (thread);
	looking = true;
}
