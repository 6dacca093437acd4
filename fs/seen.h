/* seen.h - when a text last changed */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The one time that an inode has here, in nanoseconds since 1970. */
void seen_stamp (struct stat *, int64_t time);
int64_t seen_stamped (const struct stat *);

/* When the text of the inode NUMBER became what it is, as far as this mount
 * has seen: FIRST, if it has never seen another.  From any thread. */
int64_t seen_change (uint64_t number, const char *text, size_t len, int64_t first);

/* How long that text was when it was seen last, and when it became so: false if it never was. */
bool seen_last (uint64_t number, size_t *len, int64_t *changed);
