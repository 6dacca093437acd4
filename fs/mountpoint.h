/* mountpoint.h - where it is to be mounted */
#pragma once

#include <stdbool.h>

#include "fault.h"

/* Is there a directory, with nothing in it unless NONEMPTY, to mount on?  In OUT its absolute
 * path, which the caller frees; /dev/fd/N, which mount(8) has opened and mounted, stays as it is. */
int mountpoint_find (const char *path, bool nonempty, char **out, struct fault *);

/* Would PATH, absolute or NULL, be inside the mount?  Who is asked for it would ask himself. */
int mountpoint_spares (const char *mountpoint, const char *path, struct fault *);
