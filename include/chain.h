/* chain.h - how the files of a chain are called, whoever writes them */
#pragma once

#include <glib.h>

/* The qcow2 file of DISK, which counts from the checkpoint SINCE, or from nothing, in a backup that leaves LEAVES; either
 * may be NULL.  The caller frees it. */
static inline char *chain_file (const char *disk, const char *since, const char *leaves)
{
	if (leaves)
		return g_strdup_printf ("%s.%s.qcow2", disk, leaves);
	return since ? g_strdup_printf ("%s.since-%s.qcow2", disk, since) : g_strconcat (disk, ".qcow2", NULL);
}
