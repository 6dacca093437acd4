/* coverage.h - which bytes of a file have been answered, in any order, to anybody
 *
 * From any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "image.h"

/* Of all of a file of SIZE bytes, none yet. */
struct coverage *coverage_new (uint64_t size);
void coverage_free (struct coverage *);         /* or NULL */

void coverage_add (struct coverage *, uint64_t at, uint64_t len);

/* What nobody needs to read of IMAGE, as its holes, counts as answered. */
int coverage_spare (struct coverage *, struct image *, struct fault *);

/* How much is still to be answered: 0 is all of it. */
uint64_t coverage_lacks (struct coverage *);
