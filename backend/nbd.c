/* nbd.c - what an NBD server offers, as an image
 *
 * The handle of libnbd belongs to the thread that opens the image until that is
 * open, and to a thread of the image's own from then on.  Whoever reads leaves a
 * command in the queue and wakes that thread, which sends, receives and answers.
 *
 * Holes are answered from the map.  The server is not trusted: it may send less than it
 * was asked for and call that a success (CVE-2022-0485), which libnbd 1.14 passes on. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libnbd.h>

#include "lock.h"
#include "nbd-export.h"
#include "nbd.h"

enum { MAX_READ = 32 << 20 };           /* what any server takes that was not asked for its limits */

struct nbd {
	struct image image;
	struct nbd_witness *witness;
	struct export export;
	pthread_t thread;
	int wake;                       /* an eventfd */
	pthread_mutex_t lock;           /* guards the below */
	GPtrArray *asked;               /* of struct command, not sent yet */
	bool lost, closing;
	bool orphan;                    /* the thread's: it is to free all this itself */
};

/* A request to the server. */
struct piece {
	struct command *command;
	size_t len, seen;
	uint64_t offset;
	bool answered;
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

	export_at (&nbd->export, from, &e);
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
	uint64_t last = export_data (&nbd->export)->data_end;

	if (!nbd->witness)
		return false;
	return __atomic_load_n (&nbd->witness->doubts, __ATOMIC_ACQUIRE) ||
	       (read->offset < last && read->offset + read->len >= last);
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

static void command_leave (struct command *command)
{
	if (--command->left == 0)
		command_answer (command);
}

static void piece_answer (struct piece *piece, int err)
{
	piece->answered = true;
	if (err || piece->seen != piece->len)
		piece->command->err = EIO;
	command_leave (piece->command);
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

	if (nbd_aio_pread_structured (piece->command->nbd->export.handle, into, piece->len, piece->offset,
				      (nbd_chunk_callback) { .callback = on_chunk, .user_data = piece },
				      (nbd_completion_callback) { .callback = on_answer, .user_data = piece }, 0) < 0 &&
	    !piece->answered)
		piece_answer (piece, EIO);
}

/* The last piece's answer frees the command, but not here: of one that it has answered at once libnbd 1.14 may return
 * anything, even -1, since it reads that from memory it has freed. */
static void command_send (struct command *command)
{
	command->left++;
	for (guint i = 0, n = command->pieces->len; i < n; i++)
		piece_send (&g_array_index (command->pieces, struct piece, i));
	command_leave (command);
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
	unsigned direction = nbd_aio_get_direction (nbd->export.handle);
	short events = (direction & LIBNBD_AIO_DIRECTION_READ ? POLLIN : 0) |
		       (direction & LIBNBD_AIO_DIRECTION_WRITE ? POLLOUT : 0);
	struct pollfd fds[] = { { nbd_aio_get_fd (nbd->export.handle), events, 0 }, { nbd->wake, POLLIN, 0 } };
	eventfd_t woken;

	if (fds[0].fd < 0)
		return false;
	if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
		return true;            /* interrupted */
	if (fds[1].revents)
		eventfd_read (nbd->wake, &woken);
	if (direction & LIBNBD_AIO_DIRECTION_READ && fds[0].revents & ~POLLOUT)
		return nbd_aio_notify_read (nbd->export.handle) == 0;
	return !fds[0].revents || nbd_aio_notify_write (nbd->export.handle) == 0;
}

static void lose (struct nbd *nbd)
{
	LOCKED (&nbd->lock);

	nbd->lost = true;
}

static void nbd_free (struct nbd *nbd)
{
	export_close (&nbd->export);
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
	export_at (&((struct nbd *) image)->export, at, out);
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

static const struct image_ops nbd_ops = {
	.read = nbd_image_read,
	.extent = nbd_image_extent,
	.close = nbd_image_close,
};

int nbd_image (const char *socket, const char *export, const char *bitmap, struct nbd_witness *witness,
	       struct image **image, struct fault *f)
{
	struct nbd *nbd = g_new (struct nbd, 1);
	int r;

	*nbd = (struct nbd) { .image = { .ops = &nbd_ops, .refs = 1 }, .witness = witness,
			      .wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK), .asked = g_ptr_array_new () };
	pthread_mutex_init (&nbd->lock, NULL);
	r = export_open (&nbd->export, socket, export, bitmap, f);
	nbd->image.size = nbd->export.size;
	nbd->image.allocated = export_data (&nbd->export)->data;
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
