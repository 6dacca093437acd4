/* libvirt-backup-door.c - nobody connects to a backup while it is told to end
 *
 * QEMU before 10 never comes back from stopping its NBD server while a client is in its
 * handshake, and the guest hangs with it.  So whoever connects holds a lock on the record,
 * as many as like, and whoever ends the job holds it alone: in this process or in another. */

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "libvirt-backup-served.h"

enum { NAP_US = 2000 };

static int lock (int fd, int how, const struct served *served, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + nbd_patience * G_USEC_PER_SEC;

	while (flock (fd, how | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fault (f, EIO, "cannot lock the record of %s: %s", served->name, g_strerror (errno));
		if (g_get_monotonic_time () >= until)
			return fault (f, EBUSY, "%s is being %s: try again", served->name, how == LOCK_SH ? "ended" : "opened");
		g_usleep (NAP_US);
	}
	return 0;
}

/* It is shut by close().  ENOENT if there is no record any more; EBUSY if that takes too long. */
static int door_open (const struct served *served, int how, struct fault *f)
{
	struct records of = backup_records (served->lv, served->uuid);
	int fd = record_open (&of, served->name, "socket", f);

	if (fd < 0 || lock (fd, how, served, f) == 0)
		return fd;
	close (fd);
	return -f->err;
}

int backup_connect (struct served *served, const char *disk, const char *bitmap, struct image **image, struct fault *f)
{
	int door = door_open (served, LOCK_SH, f), r;

	if (door < 0)
		return door;
	r = nbd_image (served->socket, disk, bitmap, &served_ref (served)->witness, image, f);
	close (door);
	return r;
}

int backup_end (struct served *served, struct fault *f)
{
	int door = door_open (served, LOCK_EX, f), r;

	if (door < 0 && door != -ENOENT)
		return door;
	r = backup_job_end (served->lv, served->uuid, served->socket, f);
	if (door >= 0)
		close (door);
	return r;
}
