/* checkpoint.h - handlers of the rows about a checkpoint */
#pragma once

#include "place.h"

int checkpoint_status (const struct place *, GString *, struct fault *);
int checkpoint_status_stat (const struct place *, struct stat *, struct fault *);
int checkpoint_changed (const struct place *, GString *, struct fault *);
int checkpoint_changed_stat (const struct place *, struct stat *, struct fault *);

/* A backup is to be made as the user wishes: are the checkpoint it counts from, and the one it
 * leaves, what they must be?  ENOENT, EEXIST, EINVAL, EOPNOTSUPP. */
int checkpoint_range (const struct place *, const struct wish *, struct fault *);

/* A backup cannot be called NAME, as F says: is that since a checkpoint of others has dots in its
 * name, and it could mean several things?  Then F says that; -EINVAL either way. */
int checkpoint_explain (const struct place *, const char *name, struct fault *);

/* EBUSY if a backup that runs needs the checkpoint NAME. */
int checkpoint_is_free (const struct place *, const char *name, struct fault *);
