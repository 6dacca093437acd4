/* session.h - the mount, from the kernel's first request to the last */
#pragma once

#include "command.h"

const char *session_library (void);     /* the version of libfuse */

/* Block the signals that end it, so that no thread dies of them, to be called before any fork or
 * thread; then listen to them on a thread of its own.  One that comes before there is a mount
 * ends the process with 128 and its number. */
void session_block_signals (void);
void session_heed_signals (void);

enum status session_open (const struct command *, struct fault *);      /* mount it; it answers */
enum status session_serve (struct fault *);     /* until it is unmounted, or a signal comes */

/* Unmount; what is not answered yet is answered by whoever closes the backend, and then it is free. */
void session_close (void);
void session_free (void);
