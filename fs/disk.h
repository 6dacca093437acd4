/* disk.h - handlers of the files that hold the disks of a backup */
#pragma once

#include "place.h"

int disk_list (const struct place *, struct listing **, struct fault *);
int disk_open (const struct place *, struct image **, struct fault *);
int disk_stat (const struct place *, struct stat *, struct fault *);

/* The file of DISK; the caller frees it. */
char *disk_file (const struct entry *disk);

/* Can a new backup of that domain have its files?  ENAMETOOLONG if not. */
int disk_names_fit (const struct place *, struct fault *);
