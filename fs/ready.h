/* ready.h - telling that the mount is there, and that it has ended */
#pragma once

#include "fault.h"

/* Write our process id into PID_FILE, unless that is NULL, and tell the supervisor. */
int ready_begin (const char *pid_file, struct fault *);

void ready_stop (void);                         /* tell the supervisor that we are about to end */
void ready_end (const char *pid_file);          /* the last of all: the file is gone */
