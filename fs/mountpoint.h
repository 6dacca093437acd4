/* mountpoint.h - where it is to be mounted */
#pragma once

#include <stdbool.h>

#include "fault.h"

/* Is it /dev/fd/N, which mount(8) has opened and mounted? */
bool mountpoint_is_open (const char *path);

/* Is there a directory, with nothing in it unless NONEMPTY, to mount on?  In OUT its absolute
 * path, which the caller frees. */
int mountpoint_find (const char *path, bool nonempty, char **out, struct fault *);

/* May who runs us let others in?  If not, fusermount3 would refuse, too late and in other words. */
int mountpoint_allows_others (struct fault *);

/* Would PATH, absolute or NULL, be inside the mount?  Who is asked for it would ask himself. */
int mountpoint_spares (const char *mountpoint, const char *path, struct fault *);
