/* server.h - a disk, and real NBD servers that offer it, for tests */
#pragma once

#include <sys/types.h>

enum { MIB = 1 << 20, SIZE = 96 * MIB + 1536, DATA_END = 80 * MIB };

extern char *disk, *qcow2, *at;         /* the files, the socket */
extern int fd;                          /* of the disk */
extern pid_t server;                    /* 0: none */

/* A disk with holes, whose data has no period of its own; and the same as a qcow2. */
int server_make_disks (void **);
int server_remove_disks (void **);

/* Start a server, whose words are separated by blanks; "@" is its socket, "#" the disk. */
void server_start (const char *words);
int server_stop (void **);
