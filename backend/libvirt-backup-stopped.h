/* libvirt-backup-stopped.h - backups of domains that are off
 *
 * No job of libvirt's serves them, but a qemu-storage-daemon, in a directory of its own.
 * SOCKET is where a backup is served, which tells one from the other. */
#pragma once

#include "libvirt-backup-make.h"

extern const struct backup_way backup_by_daemon;

bool backup_is_stopped (const char *socket);

/* Does the daemon at SOCKET still serve?  End it: it has gone then, and what it had there. */
bool backup_stopped_runs (const char *socket);
int backup_stopped_end (const char *socket, struct fault *);
