/* job.h - handlers of the file about what runs in a domain */
#pragma once

#include "place.h"

int job_show (const struct place *, GString *, struct fault *);
int job_stat (const struct place *, struct stat *, struct fault *);
int job_cancel (const struct place *, const char *text, struct fault *);

/* End what makes or serves the moment NAME: EOPNOTSUPP if that cannot be cancelled. */
int job_stop (const struct place *, const char *name, struct fault *);
