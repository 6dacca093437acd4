/* command.h - what the command line says: domfs [options] SOURCE MOUNTPOINT */
#pragma once

#include "backend.h"

/* How it ends.  Scripts rely on these numbers: they never change, and the manual lists them. */
enum status {
	WELL          = 0,      /* mounted; in the foreground: and unmounted again */
	USAGE         = 1,      /* an option, a word or an argument is wrong */
	NO_MOUNTPOINT = 10,     /* not there, not a directory, not empty, or a dead mount */
	NO_SOURCE     = 11,     /* the hypervisor cannot be reached */
	NO_FILE       = 12,     /* a file of the host cannot be written: the pid file */
	NO_FUSE       = 13,     /* the kernel or fusermount3 does not mount it */
	BROKEN        = 14,     /* the mount ended by an error of the kernel's */
};

struct command {
	struct setup setup;
	const char *mountpoint, *pid_file;
	double cache, timeout;                  /* seconds */
	unsigned uid, gid, umask;
	bool foreground, debug, verbose;
	bool allow_other, nonempty;
	bool default_permissions;               /* they always are, but this tells of /dev/fd/N what mount(8) did */
	bool version;                           /* only say that; then the rest need not be there */
};

/* What is not given is as the manual says.  Its texts live as long as the process, which --help ends. */
enum status command_read (struct command *, char **argv, struct fault *);
