/* reading.h - the images that somebody reads
 *
 * An image is opened once for all who read it at a time, and closed with the
 * last of them: it may hold a lock that others wait for. */
#pragma once

#include <sys/types.h>

#include "place.h"

struct reading {
	struct image *image;
	struct source *source;
	pid_t pid;              /* who opened it */
};

/* Open the image of the file AT for the process, or thread, PID; waits as within() does.
 * EBUSY if its moment is about to go.  Each is closed once. */
int reading_open (const struct place *, pid_t, struct reading **, struct fault *);
void reading_close (struct reading *);

/* LEN bytes AT were answered to who reads; from any thread. */
void reading_answered (const struct reading *, uint64_t at, uint64_t len);

/* How much of a file of a backup nobody has been answered since it was begun, as far as
 * somebody needs it; of one that nobody has opened, UINT64_MAX.  0 is all of it. */
uint64_t reading_lacks (const struct reading *);
uint64_t reading_lacks_at (const struct place *file);

/* Nobody reads the moment NAME in AT between these: EBUSY, naming the process, if somebody
 * does not stop within 2 s, unless it has ENDED, so that whoever reads it gets EIO. */
int reading_bar (const struct place *at, const char *name, bool ended, char **bar, struct fault *);
void reading_unbar (char *bar, bool gone);      /* takes BAR over; GONE: the moment is */
