/* libvirt-backup-push.h - the files of a backup that libvirt writes
 *
 * Each has ".part" behind its name until all of them are whole. */
#pragma once

#include <sys/types.h>

#include "libvirt-backup-served.h"

struct push_file {
	char *name, *backing;   /* in its directory; backing: NULL if it is whole by itself */
	char *path, *part;      /* where it will be; and where it is written */
	ino_t inode;            /* 0: it may not be there yet */
};

/* As a record has them, of the directory TARGET; and back.  They are the caller's. */
GArray *push_files (const char *target, const char *text);
char *push_files_text (const GArray *files);

static inline struct push_file *push_file (const GArray *files, guint i)
{
	return &g_array_index (files, struct push_file, i);
}

/* libvirt-backup-pushed.c: the job of SERVED is gone.  0: it had written all, and the files have their names; else why
 * not.  ENOTCONN, EBUSY: that is to be tried again. */
int backup_pushed (struct served *, struct fault *);
