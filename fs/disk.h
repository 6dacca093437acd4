/* disk.h - handlers of the files that hold the disks of a snapshot or a backup */
#pragma once

#include "place.h"

int disk_list (const struct place *, struct listing **, struct fault *);
int disk_open (const struct place *, struct image **, struct fault *);
int disk_stat (const struct place *, struct stat *, struct fault *);

/* The file of DISK that a listing of the backup DIR shows; the caller frees it. */
char *disk_listed (const struct place *dir, const struct entry *disk);

/* Can the backup of that domain that somebody wishes have its files?  ENAMETOOLONG if not. */
int disk_names_fit (const struct place *, const struct wish *, struct fault *);

/* Set FILE to one of the backup AT that nobody read to its end, for the caller to free, or to NULL. */
int disk_unread (const struct place *, char **file, struct fault *);

/* How many bytes of the backup AT were answered here, of those that somebody needs who wants all of it. */
int disk_progress (const struct place *, uint64_t *done, uint64_t *total, struct fault *);
