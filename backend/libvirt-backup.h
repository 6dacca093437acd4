/* libvirt-backup.h - what the files of libvirt's backups share
 *
 * A backup is its record.  While its job runs, it is also a struct served in each
 * process that owns or reads it. */
#pragma once

#include "libvirt.h"
#include "record.h"

/* libvirt-backup-note.c: what the record of a backup says, whoever owns it. */
struct backup_note {
	char *socket;           /* where its job serves it, or the first file that it writes: no two have the same */
	char *directory;        /* made for the socket alone, or NULL */
	char *target;           /* the directory that libvirt writes it into, or NULL */
	char *since, *leaves;   /* the checkpoints it counts from, and leaves; or NULL */
	char *ended;            /* why, or NULL */
	int64_t born;
	bool begun;             /* all that mkdir does is done */
	bool kept, complete;    /* what it leaves is to stay: see struct entry */
};

struct records backup_records (const struct libvirt *, const char *uuid);
bool backup_note (const struct records *, const char *name, struct backup_note *);      /* false: there is none */
void backup_note_clear (struct backup_note *);
bool backup_has (const struct records *, const char *name, const char *file);

/* The disks, with what is known of each, as they are kept; and back. */
char *backup_disks_text (const struct listing *disks);
int backup_disks (const struct records *, const char *name, struct listing *out, struct fault *);

/* libvirt-backup-fate.c: the checkpoint that a backup leaves, whose RECORD is the caller's.
 *
 * The job has ended, as the record says: it stays, or goes.  If that fails, it is to be tried again. */
int backup_fate (struct libvirt *, const struct records *, const char *name, struct record *, struct fault *);
bool backup_fate_is_open (const struct records *, const char *name);    /* is that still to be done? */

/* The mkdir of it never returned, and its job is gone: so goes what it may have left. */
int backup_fate_undo (struct libvirt *, const struct records *, const char *name, struct fault *);

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
char *backup_socket_run (const struct setup *);                  /* where such directories are made */
int backup_socket_make (const char *directory, const char *xml, struct fault *);
void backup_socket_remove (const char *socket, const char *directory);

/* libvirt-backup-jobs.c: see struct libvirt_backup_ops. */
void backup_jobs_whose (struct libvirt *, virDomainPtr, struct job *);
void backup_jobs_add (struct libvirt *, virDomainPtr, GArray *of_job);

/* libvirt-backup-job.c: the job that serves at SOCKET, or pushes to it first. */
enum backup_job { JOB_UNKNOWN, JOB_THERE, JOB_GONE };   /* UNKNOWN: nobody can be asked */

extern const char backup_job_path[];    /* of that in a <domainbackup>, for XPath */

enum backup_job backup_job (struct libvirt *, const char *uuid, const char *socket);
/* It has ended then, and a guest goes on that full scratch had stopped. */
int backup_job_end (struct libvirt *, const char *uuid, const char *socket, struct fault *);
bool backup_job_is_coming (struct libvirt *, const char *uuid);         /* or another; one that serves is there */
bool backup_job_is_orphan (struct libvirt *, const char *uuid);         /* its domain is gone */
const char *backup_job_why (struct libvirt *, const char *uuid, const char *socket, int id);    /* it is gone, of the guest ID */
void backup_job_resume (struct libvirt *, const char *uuid);    /* if a disk that was full has stopped it */

/* libvirt-backup-pushed.c: the files that libvirt has written.  They go, as the record names them. */
void backup_pushed_remove (const struct records *, const char *name);

/* libvirt-backup-make.c */
int backup_make (struct backend *, const char *domain, struct wish *, struct fault *);

/* libvirt-backup-adopt.c: own, finish or undo what dead mounts have left of DOM. */
void backup_adopt (struct libvirt *, virDomainPtr);
void backup_adopt_one (struct libvirt *, const char *uuid, const char *name);
void backup_adopt_all (struct libvirt *);
