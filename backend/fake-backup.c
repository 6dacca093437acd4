/* fake-backup.c - a hypervisor made of nothing: how its backups end */

#include <string.h>

#include "fake-record.h"

struct entry *fake_find (const GPtrArray *moments, const char *name)
{
	for (guint i = 0; i < moments->len; i++) {
		struct entry *entry = moments->pdata[i];

		if (strcmp (entry->name, name) == 0)
			return entry;
	}
	return NULL;
}

const struct entry *fake_served (const struct guest *guest)
{
	for (guint i = 0; i < guest->moments[BACKUP]->len; i++)
		if (!((struct entry *) guest->moments[BACKUP]->pdata[i])->state)
			return guest->moments[BACKUP]->pdata[i];
	return NULL;
}

bool fake_end (struct fake *fake, struct guest *guest, const char *name, const char *why)
{
	bool any = false;

	fake_disk_end (fake, guest, name);
	for (guint i = 0; i < guest->moments[BACKUP]->len; i++) {
		struct entry *backup = guest->moments[BACKUP]->pdata[i];

		if (backup->state || (name && strcmp (backup->name, name) != 0))
			continue;
		any = true;
		backup->state = g_strdup (why);
		fake_record_note (guest, backup);
	}
	return any;
}
