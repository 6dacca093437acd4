/* qcow2-reader.h - a reader of qcow2 written from its specification, for tests */
#pragma once

#include "model.h"

/* Is the file FD a qcow2 of MODEL, with the name of a BACKING file only of what is dirty in it?
 * All of it is looked at, and that each cluster of the file is used and counted once.  Returns
 * NULL, or what is wrong, which is to be freed. */
char *qcow2_judge (int fd, const struct model *, const char *backing);
