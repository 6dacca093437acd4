/* libvirt-backup.h - what the files of libvirt's backups share
 *
 * A backup is its record.  While its job runs, it is also a struct served in each
 * process that owns it or reads it: the bytes of its disks, and a thread that looks
 * for the end of its job.  So is a stray: what a mkdir has begun that is no more. */
#pragma once

#include "libvirt.h"
#include "nbd.h"
#include "record.h"

/* libvirt-backup-note.c: what the record of a backup says, whoever owns it. */
struct backup_note {
	char *socket;           /* where its job serves it: no two have the same */
	char *directory;        /* made for the socket alone, or NULL */
	char *ended;            /* why, or NULL */
	int64_t born;
	bool begun;             /* all that mkdir does is done */
};

struct records backup_records (const struct libvirt *, const char *uuid);
bool backup_note (const struct records *, const char *name, struct backup_note *);      /* false: there is none */
void backup_note_clear (struct backup_note *);

/* The disks, with what is known of each, as they are kept; and back. */
char *backup_disks_text (const struct listing *disks);
int backup_disks (const struct records *, const char *name, struct listing *out, struct fault *);

/* libvirt-backup-scratch.c: where old data goes while a backup runs. */
struct backup_scratch {
	char *path;
	uint64_t reserve;       /* bytes that stay free there */
};

/* Where the old data of DISK, whose image is SOURCE, will be: ENOSPC, EEXIST, ENAMETOOLONG. */
int backup_scratch_place (const struct setup *, const char *domain, const char *name, const char *disk,
			  const char *source, struct backup_scratch *, struct fault *);
char *backup_scratch_text (const GArray *scratch);              /* of struct backup_scratch, as it is kept; and back */
GArray *backup_scratch_parse (const char *text);

/* Is one of them about to be full?  Then why the backup ends; the caller frees it. */
char *backup_scratch_full (const GArray *scratch);

/* Remove what a job left, but nothing that somebody uses. */
void backup_scratch_remove (const GArray *scratch);

/* libvirt-backup-socket.c: where QEMU may bind a socket and we may connect.  If DIRECTORY is not
 * NULL, it is to be made for that, of a domain with that XML, and to be removed with it. */
int backup_socket_place (struct libvirt *, virDomainPtr, char **socket, char **directory, struct fault *);
int backup_socket_make (const char *directory, const char *xml, struct fault *);
void backup_socket_remove (const char *socket, const char *directory);

/* libvirt-backup-job.c: the job that serves at SOCKET. */
enum backup_job { JOB_UNKNOWN, JOB_THERE, JOB_GONE };   /* UNKNOWN: nobody can be asked */

enum backup_job backup_job (struct libvirt *, const char *uuid, const char *socket);
int backup_job_end (struct libvirt *, const char *uuid, const char *socket, struct fault *);    /* has ended then */
bool backup_job_is_coming (struct libvirt *, const char *uuid);         /* or another; one that serves is there */
const char *backup_job_why (struct libvirt *, const char *uuid, int id);        /* it is gone, of the guest ID */
void backup_job_resume (struct libvirt *, const char *uuid);    /* a guest that a full disk has stopped */

/* libvirt-backup-served.c */
struct served {
	struct nbd_witness witness;     /* first: of all its images */
	struct libvirt *lv;
	char *uuid, *domain, *name;     /* of the domain, as it is shown; of the backup */
	char *socket, *directory;
	int id;                         /* of the running domain */
	GArray *scratch;                /* of struct backup_scratch, of one's own */
	bool stray;                     /* to be undone, as soon as libvirt can be asked */
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

int served_image (struct served *, const char *disk, struct image **, struct fault *);
bool served_is_open (struct served *);          /* does anybody hold an image of it? */
bool served_is_ours (struct served *);
void served_close (struct served *);            /* what is open of it is EIO for good */

/* Its job has ended, so all is EIO for good.  Its record, of which something is to be made. */
struct record *served_end (struct served *);

/* There was a sign of its end: nothing is answered until the job is seen again. */
void served_doubt (struct served *);
void served_confirm (struct served *, gint64 asked);    /* the job was there: answer what waited for that */
gint64 served_due (const struct served *);      /* when somebody waits for that; called under its lock */

/* libvirt-backup-watch.c: look for the end of it, until it has ended or served_stop(). */
void *served_watch (void *served);
void backup_note_end (struct served *, const char *why);        /* it has ended: say so */

/* libvirt-backup-make.c */
int backup_make (struct backend *, const char *domain, struct wish *, struct fault *);

/* libvirt-backup-adopt.c: own, finish or undo what dead mounts have left of DOM. */
void backup_adopt (struct libvirt *, virDomainPtr);
void backup_adopt_all (struct libvirt *);
