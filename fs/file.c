/* file.c - files: texts, rendered once per open, and images, streamed
 *
 * Texts are answered by the handler's thread.  A read of an image is passed on
 * and answered from wherever its bytes arrive, or when who asked gives up, whatever
 * comes first.  Nothing goes by way of the page cache: it would answer
 * for a backup that has ended, and costs more than it brings. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "glance.h"
#include "handle.h"
#include "keep.h"
#include "node.h"
#include "notify.h"
#include "reading.h"
#include "request.h"
#include "requests.h"
#include "text.h"

/* What an open file holds: one of the two. */
struct file {
	struct handle handle;   /* its reads have a reference each */
	GString *text;
	struct reading *reading;
	struct place *at;       /* of an image */
	struct stat st;         /* of an image, which does not change while it is open */
};

static struct file *file_of (struct fuse_file_info *fi)
{
	return (struct file *) (uintptr_t) fi->fh;
}

static void file_free (struct handle *handle)
{
	struct file *file = (struct file *) handle;

	notify_poll (file, NULL, NULL);
	if (file->text)
		g_string_free (file->text, TRUE);
	if (file->reading && reading_lacks (file->reading) == 0)
		keep_note (file->at);
	if (file->reading)
		reading_close (file->reading);
	g_free (file->at);
	g_free (file);
}

static int open_image (struct file *file, const struct place *at, pid_t pid, struct fault *f)
{
	int r = reading_open (at, pid, &file->reading, f);

	file->at = g_memdup2 (at, sizeof *at);
	return r < 0 ? r : attributes (at, &file->st, f);
}

static const char *label_of (const struct place *at)
{
	return row_is_each (at->row) ? LAST (at) : row_label (at->row);
}

void file_open (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct file *file = g_new0 (struct file, 1);
	struct place at = { 0 };
	struct fault f;
	int r = request_place (req, ino, &at, &f);

	handle_open (&file->handle, file_free);
	if (r == 0 && (fi->flags & (O_ACCMODE | O_TRUNC)) && !at.row->store)
		r = fault (&f, EPERM, "%s is only to be read", label_of (&at));
	else if (r == 0 && at.row->open)
		r = open_image (file, &at, fuse_req_ctx (req)->pid, &f);
	else if (r == 0)
		r = text_show (&at, file->text = g_string_new (NULL), &f);
	fi->direct_io = 1;
	fi->fh = (uintptr_t) file;
	if (r < 0)
		refuse (req, "open", &at, at.row ? label_of (&at) : "", &f);
	if (r < 0 || fuse_reply_open (req, fi) < 0)
		handle_close (&file->handle);
}

/* Users: the image, until the bytes have come, and the glance. */
struct read {
	struct image_read read;
	struct glance glance;
	fuse_req_t req;
	pid_t caller;
	struct file *file;
	int refs;
	bool answered;
};

static void read_unref (struct read *read)
{
	if (__atomic_sub_fetch (&read->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	handle_unref (&read->file->handle);
	g_free (read->read.into);
	g_free (read);
}

/* Only the first may answer: then there is no request any more. */
static void answer (struct read *read, int err)
{
	if (__atomic_exchange_n (&read->answered, true, __ATOMIC_ACQ_REL))
		return;
	fuse_req_interrupt_func (read->req, NULL, NULL);        /* waits until it is not running */
	if (err) {
		fuse_reply_err (read->req, err);
		return;
	}
	if (!fuse_req_interrupted (read->req))                  /* nobody may be there to get it */
		reading_answered (read->file->reading, read->read.offset, read->read.len);
	fuse_reply_buf (read->req, read->read.into, read->read.len);
}

static void read_done (struct image_read *done, int err)
{
	struct read *read = (struct read *) done;

	answer (read, err);
	read_unref (read);
}

/* cp would wait for ever for a hypervisor that is stopped, but is not to fail by a signal
 * after which it goes on.  Its buffer stays until the bytes come. */
static bool read_waits (struct glance *glance)
{
	struct read *read = (struct read *) ((char *) glance - offsetof (struct read, glance));

	if (!__atomic_load_n (&read->answered, __ATOMIC_ACQUIRE) && !caller_gives_up (read->caller))
		return true;
	answer (read, EINTR);
	read_unref (read);
	return false;
}

/* The kernel tells of the first signal only, so from now on we look for ourselves.  libfuse
 * may call this while it is being registered, which an answer waits for. */
static void read_interrupted (fuse_req_t req, void *data)
{
	struct read *read = data;

	(void) req;
	__atomic_add_fetch (&read->refs, 1, __ATOMIC_RELAXED);
	glance_begin (&read->glance);
}

static void read_text (fuse_req_t req, struct file *file, size_t size, off_t off)
{
	const GString *text = file->text;

	handle_ref (&file->handle);
	off = MIN ((gsize) off, text->len);
	fuse_reply_buf (req, text->str + off, MIN (size, text->len - off));
	handle_unref (&file->handle);
}

static void read_image (fuse_req_t req, struct file *file, size_t size, off_t off)
{
	struct image *image = file->reading->image;
	struct read *read;

	size = (uint64_t) off < image->size ? MIN (size, image->size - off) : 0;
	if (size == 0) {
		fuse_reply_buf (req, NULL, 0);
		return;
	}
	read = g_new (struct read, 1);
	*read = (struct read) { .read = { off, size, g_malloc (size), read_done }, .glance = { read_waits }, .req = req,
				.caller = fuse_req_ctx (req)->pid, .file = file, .refs = 1 };
	handle_ref (&file->handle);
	fuse_req_interrupt_func (req, read_interrupted, read);
	image_read (image, &read->read);
}

void file_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct file *file = file_of (fi);

	(void) ino;
	if (file->text)
		read_text (req, file, size, off);
	else
		read_image (req, file, size, off);
}

void file_write (fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void) fi;
	change_write (req, ino, buf, size, off);
}

bool file_attributes (const struct fuse_file_info *fi, struct stat *st)
{
	const struct file *file = (struct file *) (uintptr_t) fi->fh;

	*st = file->st;
	return file->reading;
}

/* Where WHENCE next is, from OFF on; the size of the image if nowhere. */
static int seek (struct image *image, uint64_t *off, int whence, struct fault *f)
{
	struct extent e;
	int r = 0;

	while (r == 0 && *off < image->size) {
		r = image->ops->extent (image, *off, &e, f);
		if (r < 0 || e.data == (whence == SEEK_DATA))
			break;
		*off += e.len;
	}
	*off = MIN (*off, image->size);
	return r;
}

void file_seek (fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct reading *reading = file_of (fi)->reading;
	uint64_t to = off;
	struct fault f;
	int r;

	(void) ino;
	if (!reading || !reading->image->ops->extent) {
		fuse_reply_err (req, ENOSYS);
		return;
	}
	r = seek (reading->image, &to, whence, &f);
	if (r == 0 && whence == SEEK_DATA && to == reading->image->size)
		r = -ENXIO;             /* only holes are left */
	if (r < 0)
		fuse_reply_err (req, -r);
	else
		fuse_reply_lseek (req, to);
}

/* A text is ready to be read when it is no more what it was at open. */
static bool is_new (const struct place *at, const struct file *file)
{
	g_autoptr (GString) now = g_string_new (NULL);
	struct fault f;

	return text_show (at, now, &f) < 0 || !g_string_equal (now, file->text);
}

void file_poll (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *handle)
{
	const struct file *file = file_of (fi);
	struct place at = { 0 };
	struct fault f;
	bool polled = file->text && request_place (req, ino, &at, &f) == 0 && at.depth > 0;

	if (handle && polled)
		notify_poll (file, DOMAIN (&at), handle);
	else if (handle)
		fuse_pollhandle_destroy (handle);
	fuse_reply_poll (req, polled && !is_new (&at, file) ? POLLOUT : POLLIN | POLLPRI | POLLOUT);
}

void file_close (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void) ino;
	handle_close (&file_of (fi)->handle);
	fuse_reply_err (req, 0);
}
