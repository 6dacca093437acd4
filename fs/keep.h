/* keep.h - does the checkpoint that a backup leaves outlive it? */
#pragma once

#include "place.h"

int keep_show (const struct place *, GString *, struct fault *);
int keep_store (const struct place *, const char *text, struct fault *);

/* BACKUP, which nobody reads, is about to be removed, and its checkpoint to stay: ENOTEMPTY if
 * that lacks something. */
int keep_settle (const struct place *backup, struct fault *);

/* All of the FILE of a moment was answered, so a backup may be complete now: see to it, some
 * time.  From any thread; never waits. */
void keep_note (const struct place *file);
