/* checkpoint.h - handlers of the rows about a checkpoint */
#pragma once

#include "place.h"

int checkpoint_status (const struct place *, GString *, struct fault *);
int checkpoint_changed (const struct place *, GString *, struct fault *);
int checkpoint_changed_stat (const struct place *, struct stat *, struct fault *);

/* A backup is to be made as the user wishes: are the checkpoint it counts from, and the one it
 * leaves, what they must be?  ENOENT, EEXIST, EINVAL, EOPNOTSUPP. */
int checkpoint_range (const struct place *, const struct wish *, struct fault *);

/* EBUSY if a backup that runs needs the checkpoint NAME. */
int checkpoint_is_free (const struct place *, const char *name, struct fault *);
