/* handle.h - what the kernel has open: files and directories
 *
 * The kernel may close one while a read of it is still being answered, and never
 * closes what is open at the end. */
#pragma once

#include <stdbool.h>

/* Embed this first. */
struct handle {
	void (*free) (struct handle *);         /* with its last user; it is no handle any more */
	int refs;
};

void handle_open (struct handle *, void (*free) (struct handle *));     /* with one user: the kernel */
struct handle *handle_ref (struct handle *);
void handle_unref (struct handle *);
void handle_close (struct handle *);    /* the kernel has */

/* Close what the kernel left open, once it asks no more; is all free, SECONDS from now at the latest? */
bool handles_end (double seconds);
