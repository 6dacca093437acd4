/* wish.h - what a user asks for with mkdir, rmdir and mv */
#pragma once

#include <stdbool.h>
#include <string.h>

/* A moment is a named point in a domain's life: mkdir makes it, rmdir ends it. */
enum moment { NO_MOMENT, SNAPSHOT, CHECKPOINT, BACKUP, N_MOMENTS };

/* The files of a domain's options/, whose words are in fs/options.c. */
enum option { MEMORY, STORAGE, DISKS, TARGET, AFTER_REVERT, FORCE, N_OPTIONS };

/* All of it is text that outlives the call. */
struct wish {
	const char *name;               /* of the moment, whole: "a..b" */
	const char *since;              /* of a backup: the checkpoint it starts from, or NULL */
	const char *leaves;             /* of a backup: the checkpoint it leaves behind, or NULL */
	const char *option[N_OPTIONS];  /* never NULL; disks is "all", "none" or "vda,vdb"; target and force may be "" */
	bool forced;                    /* wish_lets() has let it through */
};

/* What is about to be refused, is it to be let through, this once? */
static inline bool wish_lets (struct wish *wish)
{
	wish->forced = strcmp (wish->option[FORCE], wish->name) == 0;
	return wish->forced;
}
