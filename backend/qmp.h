/* qmp.h - asking a process of QEMU's, over its socket
 *
 * One thread at a time uses one.  The other end is not trusted: it may say nothing, or
 * anything, or all too much, and no call waits longer than qmp_patience. */
#pragma once

#include <jansson.h>

#include "fault.h"

struct qmp;

extern unsigned qmp_patience;           /* seconds; set before there are threads */

/* Whoever listens at the unix socket SOCKET, ready for commands.  ENOENT if nobody does;
 * ETIMEDOUT, also while it talks to another; EIO if that is no QMP. */
int qmp_open (const char *socket, struct qmp **, struct fault *);
void qmp_close (struct qmp *);          /* or NULL */

/* COMMAND with ARGUMENTS, which are taken over and may be NULL.  What it returns is the
 * caller's, unless ANSWER is NULL.  EBUSY where another process holds a lock of a file;
 * EOPNOTSUPP where it does not know COMMAND; ENOENT; else EIO, with QEMU's own sentence.
 * After ETIMEDOUT, or when it has gone or talked nonsense, all else is EIO. */
int qmp_ask (struct qmp *, const char *command, json_t *arguments, json_t **answer, struct fault *);
