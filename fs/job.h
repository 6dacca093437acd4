/* job.h - handlers of the file about what runs in a domain */
#pragma once

#include "place.h"

int job_show (const struct place *, GString *, struct fault *);
int job_stat (const struct place *, struct stat *, struct fault *);
int job_cancel (const struct place *, const char *text, struct fault *);

/* Does anything run there, as far as can be told within a second? */
bool job_is_any (const struct place *);

/* End what makes the moment NAME: false if that cannot be cancelled, or is not within a second. */
bool job_interrupt (const struct place *, const char *name);
