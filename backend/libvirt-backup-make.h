/* libvirt-backup-make.h - a backup on its way
 *
 * It is planned, which changes nothing; then what serves it begins, with all that the
 * record says; then its disks are opened and measured.  Only the second differs from one
 * way of serving to the next. */
#pragma once

#include "libvirt-backup-served.h"
#include "libvirt-work.h"
#include "libvirt-xml.h"

/* A disk that is backed up. */
struct backup_part {
	const struct libvirt_disk *disk;
	bool counts;            /* from the checkpoint that the wish starts from; else it is full */
	char *why;              /* it is, where others count; or NULL */
};

struct making {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain, *name;
	struct wish *wish;
	char uuid[VIR_UUID_STRING_BUFLEN];
	bool running;
	char *xml;              /* of the domain */
	GString *nvram;         /* what its firmware remembers, or NULL */
	GPtrArray *disks;       /* of struct libvirt_disk: all it has */
	GArray *parts;          /* of struct backup_part */
	GArray *scratch;        /* of struct backup_scratch, for each part that has some */
	char *checkpoint;       /* the document of the one it leaves, or NULL */
	char *files;            /* that libvirt is to write, as they are kept, or NULL */
	struct backup_note note;
	struct record *record;
	struct served *served;
	bool asked;             /* somebody was, to serve it */
	bool marked;            /* the checkpoint that it leaves may have been made */
};

static inline const struct backup_part *backup_part (const struct making *m, guint i)
{
	return &g_array_index (m->parts, struct backup_part, i);
}

/* libvirt-backup-plan.c: choose the disks, and refuse what can be refused. */
int backup_plan (struct making *, struct fault *);

/* libvirt-backup-note.c: what must be known if we die in the next step; XML is of the backup. */
int backup_note_write (const struct making *, const char *xml, struct fault *);

/* What can serve a backup. */
struct backup_way {
	int (*plan) (struct making *, struct fault *);          /* the rest of it: changes nothing either */
	int (*begin) (struct making *, struct fault *);         /* what was ASKED and MARKED is undone if that fails */
	enum work_cancel cancel;                                /* until it has begun */
};

extern const struct backup_way backup_by_job;                   /* libvirt-backup-begin.c */
extern const struct backup_way backup_by_push;                  /* libvirt-backup-push.c */
