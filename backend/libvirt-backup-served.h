/* libvirt-backup-served.h - a backup whose job runs, in a process that owns or reads it
 *
 * The bytes of its disks, and a thread that looks for the end of its job.  A stray has
 * no bytes: its mkdir is no more, and the thread ends what that has begun. */
#pragma once

#include "libvirt-backup.h"
#include "nbd.h"

struct served {
	struct nbd_witness witness;     /* first: of all its images */
	struct libvirt *lv;
	char *uuid, *domain, *name;     /* of the domain, as it is shown; of the backup */
	char *socket, *directory;
	char *target;                   /* libvirt writes it there, and nobody reads it here; or NULL */
	int id;                         /* of the running domain */
	GArray *scratch;                /* of struct backup_scratch, of one's own */
	bool stray;                     /* to be undone, as soon as libvirt can be asked */
	bool seen;                      /* its job was, since this process is up */
	int refs;
	pthread_mutex_t lock;           /* guards the below */
	pthread_cond_t news;
	struct record *record;          /* NULL: it is another mount's */
	GPtrArray *images;              /* of struct part */
	GArray *held;                   /* of struct held: answers that wait for a look at the job */
	gint64 doubted;                 /* when there was a sign of its end; 0: there is none */
	bool kicked, ended, stopping, watched;
};

/* The backup NAME of DOM, of which NOTE and SCRATCH are kept; for its owner to give it its record. */
struct served *served_new (struct libvirt *, virDomainPtr, const char *domain, const char *name,
			   const struct backup_note *, const char *scratch);
struct served *served_ref (struct served *);
void served_unref (struct served *);

/* Who is at SOCKET, or NULL; and all that are of a domain, or with NULL all there are. */
struct served *served_find (const char *socket);
GPtrArray *served_all (const char *uuid);

/* Begin to watch FRESH, and let it be found.  It is taken over: what is returned is another
 * if somebody was faster, and NULL if there are no threads. */
struct served *served_begin (struct served *fresh, struct fault *);

/* It is watched and found no longer.  Wait for that; false: until then it was still being watched. */
void served_stop (struct served *);
bool served_await (struct served *, gint64 until);

/* If DISK COUNTS from a checkpoint, what is dirty has changed since. */
int served_image (struct served *, const char *disk, bool counts, struct image **, struct fault *);
bool served_is_open (struct served *);          /* does anybody hold an image of it? */
bool served_is_ours (struct served *);
void served_close (struct served *);            /* what is open of it is EIO for good */

/* Its job has ended, so all is EIO for good.  Its record, of which something is to be made. */
struct record *served_end (struct served *);
bool served_has_ended (struct served *);
void served_forget (struct served *);           /* it is found no longer */

/* A file of its record, as a whole: see record_put().  EBUSY if that is another's, or not there any more. */
int served_note (struct served *, const char *file, const char *text, struct fault *);

/* There was a sign of its end: nothing is answered until the job is seen again. */
void served_doubt (struct served *);
void served_confirm (struct served *, gint64 asked);    /* the job was there: answer what waited for that */
gint64 served_due (const struct served *);      /* when somebody waits for that; called under its lock */

/* libvirt-backup-door.c: its DISK as nbd_image() has it, with what changed by BITMAP unless that is NULL;
 * and end what serves it, as backup_job_end() does: neither while the other goes on, in whatever process. */
int backup_connect (struct served *, const char *disk, const char *bitmap, struct image **, struct fault *);
int backup_end (struct served *, struct fault *);

/* libvirt-backup-watch.c: look for the end of it, until it has ended or served_stop(). */
void *served_watch (void *served);
void backup_note_end (struct served *, const char *why);        /* it has ended: say so */
