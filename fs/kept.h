/* kept.h - what the backend answered, asked for once and kept for a while
 *
 * From any thread; all may wait as within() does, and fail as it and the backend do.
 * What hands out a listing hands out a reference, which the caller lets go. */
#pragma once

#include "place.h"

extern double kept_for;         /* seconds; to be set before the first call */

int kept_domains (const struct place *, struct listing **, struct fault *);
int kept_moments (const struct place *, enum moment, struct listing **, struct fault *);

/* Of a domain or a moment. */
int kept_disks (const struct place *, struct listing **, struct fault *);

/* Can this domain have moments of that kind?  0 or 1. */
int kept_can (const struct place *, enum moment, struct fault *);

/* The entry of the moment AT is in, else of its domain, and the listing that holds it; NULL and
 * a fault if it is gone. */
const struct entry *kept_entry (const struct place *, struct listing **, struct fault *);
int kept_born (const struct place *, int64_t *, struct fault *);        /* 0: unknown */

/* Is AT in a backup whose job is over?  0 or 1, and WHY, unless NULL, for the caller to free. */
int kept_ended (const struct place *, char **why, struct fault *);
int kept_check (const struct place *, struct fault *);                  /* EIO if so */

/* Append what SHOW says of AT, which has only one such text. */
typedef int text_fn (const struct place *, GString *, struct fault *);
int kept_text (const struct place *, text_fn *show, GString *out, struct fault *);

/* Ask again for all about DOMAIN and for the list of domains; if NULL, only for that. */
void kept_forget (const char *domain);
