/* nbd.c - what an NBD server offers, as an image
 *
 * The handle of libnbd belongs to the thread that opens the image until that is
 * open, and to a thread of the image's own from then on.  Whoever reads leaves a
 * command in the queue and wakes that thread, which sends, receives and answers.
 *
 * The map of data and holes is asked for once: a fleecing export never changes.
 * Holes are answered from it.  The server is not trusted: it may send less than
 * it was asked for and call that a success (CVE-2022-0485), or a map that leads
 * nowhere; libnbd 1.14 passes on both. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libnbd.h>

#include "extents.h"
#include "lock.h"
#include "nbd.h"

enum { MAX_READ = 32 << 20 };           /* what any server takes that was not asked for its limits */

static const uint64_t max_status = 1u << 31;    /* per block status request, whose length has 32 bits */

unsigned nbd_patience = 60;

struct nbd {
	struct image image;
	struct nbd_witness *witness;
	struct nbd_handle *handle;
	struct extents map;
	pthread_t thread;
	int wake;                       /* an eventfd */
	pthread_mutex_t lock;           /* guards the below */
	GPtrArray *asked;               /* of struct command, not sent yet */
	bool lost, closing;
	bool orphan;                    /* the thread's: it is to free all this itself */
	int told;                       /* while it is being opened: what became of a question, or -1 */
};

/* A request to the server. */
struct piece {
	struct command *command;
	size_t len, seen;
	uint64_t offset;
};

/* A read: its data is asked for in pieces. */
struct command {
	struct nbd *nbd;
	struct image_read *read;
	int err;
	guint left;                     /* pieces still to be answered */
	GArray *pieces;
};

/* The next of what READ wants FROM here: is it data?  Of a hole, fill in the zeroes. */
static bool next_piece (struct nbd *nbd, const struct image_read *read, uint64_t from, struct piece *piece)
{
	struct extent e;

	extents_at (&nbd->map, from, &e);
	*piece = (struct piece) { .offset = from, .len = MIN (e.len, read->offset + read->len - from) };
	if (e.data)
		piece->len = MIN (piece->len, MAX_READ);
	else
		memset ((char *) read->into + (from - read->offset), 0, piece->len);
	return e.data;
}

static struct command *command_new (struct nbd *nbd, struct image_read *read)
{
	struct command *command = g_new (struct command, 1);
	struct piece piece;

	*command = (struct command) { nbd, read, .pieces = g_array_new (FALSE, FALSE, sizeof piece) };
	for (uint64_t from = read->offset; from < read->offset + read->len; from += piece.len)
		if (next_piece (nbd, read, from, &piece)) {
			piece.command = command;
			g_array_append_val (command->pieces, piece);
		}
	command->left = command->pieces->len;
	return command;
}

static bool needs_witness (const struct nbd *nbd, const struct image_read *read)
{
	if (!nbd->witness)
		return false;
	return __atomic_load_n (&nbd->witness->doubts, __ATOMIC_ACQUIRE) ||
	       (read->offset < nbd->map.data_end && read->offset + read->len >= nbd->map.data_end);
}

static void command_answer (struct command *command)
{
	struct nbd *nbd = command->nbd;
	struct image_read *read = command->read;
	int err = command->err;

	g_array_unref (command->pieces);
	g_free (command);
	if (err == 0 && needs_witness (nbd, read))
		nbd->witness->testify (nbd->witness, &nbd->image, read);
	else
		image_done (&nbd->image, read, err);
}

static void piece_answer (struct piece *piece, int err)
{
	struct command *command = piece->command;

	if (err || piece->seen != piece->len)
		command->err = EIO;
	if (--command->left == 0)
		command_answer (command);
}

static int on_chunk (void *data, const void *buf, size_t len, uint64_t offset, unsigned status, int *error)
{
	struct piece *piece = data;

	(void) buf;
	(void) offset;
	(void) error;
	if (status != LIBNBD_READ_ERROR)
		piece->seen += len;
	return 0;
}

static int on_answer (void *data, int *error)
{
	piece_answer (data, *error);
	return 1;                       /* libnbd is to forget it */
}

static void piece_send (struct piece *piece)
{
	const struct image_read *read = piece->command->read;
	char *into = (char *) read->into + (piece->offset - read->offset);

	if (nbd_aio_pread_structured (piece->command->nbd->handle, into, piece->len, piece->offset,
				      (nbd_chunk_callback) { .callback = on_chunk, .user_data = piece },
				      (nbd_completion_callback) { .callback = on_answer, .user_data = piece }, 0) < 0)
		piece_answer (piece, EIO);
}

/* The last piece's answer frees the command. */
static void command_send (struct command *command)
{
	for (guint i = 0, n = command->pieces->len; i < n; i++)
		piece_send (&g_array_index (command->pieces, struct piece, i));
}

static GPtrArray *take_asked (struct nbd *nbd, bool *closing)
{
	LOCKED (&nbd->lock);
	GPtrArray *asked = g_steal_pointer (&nbd->asked);

	nbd->asked = g_ptr_array_new ();
	*closing = nbd->closing;
	return asked;
}

/* Send all that is asked: false when the image is closing. */
static bool send_asked (struct nbd *nbd)
{
	bool closing;
	g_autoptr (GPtrArray) asked = take_asked (nbd, &closing);

	for (guint i = 0; i < asked->len; i++)
		command_send (asked->pdata[i]);
	return !closing;
}

/* Receive and send what can be: false when the server has gone. */
static bool serve_once (struct nbd *nbd)
{
	unsigned direction = nbd_aio_get_direction (nbd->handle);
	short events = (direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
		       (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0);
	struct pollfd fds[] = { { nbd_aio_get_fd (nbd->handle), events, 0 }, { nbd->wake, POLLIN, 0 } };
	eventfd_t woken;

	if (fds[0].fd < 0)
		return false;
	if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
		return true;            /* interrupted */
	if (fds[1].revents)
		eventfd_read (nbd->wake, &woken);
	if (direction & LIBNBD_AIO_DIRECTION_READ && fds[0].revents & ~POLLOUT)
		return nbd_aio_notify_read (nbd->handle) == 0;
	return !fds[0].revents || nbd_aio_notify_write (nbd->handle) == 0;
}

static void lose (struct nbd *nbd)
{
	LOCKED (&nbd->lock);

	nbd->lost = true;
}

static void nbd_free (struct nbd *nbd)
{
	nbd_close (nbd->handle);
	extents_free (&nbd->map);
	g_ptr_array_unref (nbd->asked);
	pthread_mutex_destroy (&nbd->lock);
	close (nbd->wake);
	if (nbd->witness)
		nbd->witness->dismiss (nbd->witness);
	g_free (nbd);
}

/* When a connection ends, libnbd itself answers what is under way. */
static void *serve (void *data)
{
	struct nbd *nbd = data;

	while (send_asked (nbd) && serve_once (nbd));
	lose (nbd);
	send_asked (nbd);               /* in vain: all is answered EIO */
	if (nbd->orphan)
		nbd_free (nbd);
	return NULL;
}

/* False if there is nothing to ask for, or nobody.  Without the lock, all may have gone already. */
static bool ask (struct nbd *nbd, struct command *command)
{
	LOCKED (&nbd->lock);

	command->err = nbd->lost ? EIO : 0;
	if (nbd->lost || command->left == 0)
		return false;
	g_ptr_array_add (nbd->asked, command);
	eventfd_write (nbd->wake, 1);
	return true;
}

static void nbd_image_read (struct image *image, struct image_read *read)
{
	struct nbd *nbd = (struct nbd *) image;
	struct command *command = command_new (nbd, read);

	if (!ask (nbd, command))
		command_answer (command);
}

static int nbd_image_extent (struct image *image, uint64_t at, struct extent *out, struct fault *f)
{
	(void) f;
	extents_at (&((struct nbd *) image)->map, at, out);
	return 0;
}

static void ask_to_close (struct nbd *nbd)
{
	LOCKED (&nbd->lock);

	nbd->closing = true;
	eventfd_write (nbd->wake, 1);
}

/* The last to let go may be who is being answered. */
static void nbd_image_close (struct image *image)
{
	struct nbd *nbd = (struct nbd *) image;

	ask_to_close (nbd);
	if (pthread_equal (nbd->thread, pthread_self ())) {
		nbd->orphan = true;
		pthread_detach (nbd->thread);
		return;
	}
	pthread_join (nbd->thread, NULL);
	nbd_free (nbd);
}

static const struct image_ops nbd_ops = { .read = nbd_image_read, .extent = nbd_image_extent, .close = nbd_image_close };

static int said (struct fault *f)
{
	return fault (f, nbd_get_errno () == EACCES ? EACCES : EIO, "NBD: %s", nbd_get_error ());
}

/* One step of what is under way. */
static int advance (struct nbd *nbd, gint64 until, struct fault *f)
{
	gint64 left = (until - g_get_monotonic_time ()) / 1000;

	if (left <= 0)
		return fault (f, ETIMEDOUT, "the NBD server did not tell its map within %u s", nbd_patience);
	return nbd_poll (nbd->handle, left) < 0 ? said (f) : 0;
}

static int reach (struct nbd *nbd, const char *socket, const char *export, gint64 until, struct fault *f)
{
	int64_t size;
	int r = 0;

	if (!nbd->handle || nbd_set_export_name (nbd->handle, export) < 0 ||
	    nbd_add_meta_context (nbd->handle, LIBNBD_CONTEXT_BASE_ALLOCATION) < 0 ||
	    nbd_set_request_block_size (nbd->handle, false) < 0 ||      /* then any offset will do */
	    nbd_aio_connect_unix (nbd->handle, socket) < 0)
		return said (f);
	while (r == 0 && nbd_aio_is_connecting (nbd->handle))
		r = advance (nbd, until, f);
	if (r < 0)
		return r;
	size = nbd_get_size (nbd->handle);
	if (size < 0)
		return fault (f, EIO, "the NBD server says that %s has a negative size", export);
	nbd->image.size = size;
	return 0;
}

static int on_status (void *data, const char *context, uint64_t offset, uint32_t *entry, size_t n, int *error)
{
	struct nbd *nbd = data;

	if (strcmp (context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return 0;
	if (offset != nbd->map.len)     /* told twice */
		*error = EPROTO;
	for (size_t i = 0; *error == 0 && i + 1 < n; i += 2)
		extents_add (&nbd->map, MIN (entry[i], nbd->image.size - nbd->map.len),
			     !(entry[i + 1] & LIBNBD_STATE_ZERO));
	return 0;
}

static int on_told (void *data, int *error)
{
	((struct nbd *) data)->told = *error;
	return 1;
}

/* Some more of the map. */
static int fetch_some (struct nbd *nbd, gint64 until, struct fault *f)
{
	uint64_t from = nbd->map.len;
	int r = 0;

	nbd->told = -1;
	if (nbd_aio_block_status (nbd->handle, MIN (nbd->image.size - from, max_status), from,
				  (nbd_extent_callback) { .callback = on_status, .user_data = nbd },
				  (nbd_completion_callback) { .callback = on_told, .user_data = nbd }, 0) < 0)
		return said (f);
	while (r == 0 && nbd->told < 0)
		r = advance (nbd, until, f);
	if (r == 0 && (nbd->told > 0 || nbd->map.len == from))
		r = fault (f, EIO, "the NBD server tells no map: %s", g_strerror (nbd->told ? nbd->told : EPROTO));
	return r;
}

static int fetch_map (struct nbd *nbd, gint64 until, struct fault *f)
{
	int r = 0;

	if (nbd_can_meta_context (nbd->handle, LIBNBD_CONTEXT_BASE_ALLOCATION) <= 0)
		extents_add (&nbd->map, nbd->image.size, true);
	while (r == 0 && nbd->map.len < nbd->image.size)
		r = fetch_some (nbd, until, f);
	nbd->image.allocated = nbd->map.data;
	return r;
}

int nbd_image (const char *socket, const char *export, struct nbd_witness *witness,
	       struct image **image, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + nbd_patience * G_USEC_PER_SEC;
	struct nbd *nbd = g_new (struct nbd, 1);
	int r;

	*nbd = (struct nbd) { .image = { .ops = &nbd_ops, .refs = 1 }, .witness = witness, .handle = nbd_create (),
			      .wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK), .asked = g_ptr_array_new () };
	pthread_mutex_init (&nbd->lock, NULL);
	extents_init (&nbd->map);
	r = reach (nbd, socket, export, until, f);
	if (r == 0)
		r = fetch_map (nbd, until, f);
	if (r == 0 && (nbd->wake < 0 || pthread_create (&nbd->thread, NULL, serve, nbd) != 0))
		r = fault (f, EAGAIN, "no more files or threads to read %s", export);
	if (r == 0)
		*image = &nbd->image;
	else
		nbd_free (nbd);
	return r;
}

const char *nbd_library (void)
{
	struct nbd_handle *handle = nbd_create ();
	const char *version = handle ? nbd_get_version (handle) : "unknown";    /* outlives the handle */

	nbd_close (handle);
	return version;
}
