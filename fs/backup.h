/* backup.h - handlers of the rows about a backup */
#pragma once

#include "place.h"

int backup_type (const struct place *, GString *, struct fault *);

/* Is the checkpoint that it leaves there?  And what that says. */
int backup_leaves (const struct place *, struct fault *);
int backup_checkpoint (const struct place *, GString *, struct fault *);
int backup_nvram (const struct place *, GString *, struct fault *);
int backup_nvram_stat (const struct place *, struct stat *, struct fault *);
int backup_has_nvram (const struct place *, struct fault *);
