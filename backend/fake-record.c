/* fake-record.c - a hypervisor made of nothing: how its backups live on */

#include <stdlib.h>

#include "fake-record.h"

/* Where its records are: false if it is to keep none. */
static bool records_of (const struct guest *guest, struct records *of)
{
	*of = (struct records) { getenv ("FAKE_STATE"), guest->name, "backup" };
	return of->state;
}

int fake_record_begin (struct guest *guest, const char *name, struct fault *f)
{
	struct record *record;
	struct records of;
	int r;

	if (!records_of (guest, &of))
		return 0;
	r = record_make (&of, name, &record, f);
	if (r == 0)
		g_hash_table_insert (guest->records, g_strdup (name), record);
	return r;
}

int fake_record_own (struct guest *guest, const char *name, struct fault *f)
{
	struct record *record;
	struct records of;
	int r;

	if (!records_of (guest, &of) || g_hash_table_contains (guest->records, name))
		return 0;
	r = record_take (&of, name, &record, f);
	if (r == 0)
		g_hash_table_insert (guest->records, g_strdup (name), record);
	return r;
}

void fake_record_note (const struct guest *guest, const struct entry *backup)
{
	struct record *record = g_hash_table_lookup (guest->records, backup->name);
	g_autofree char *born = g_strdup_printf ("%" G_GINT64_FORMAT, backup->born);
	struct fault ignored;

	if (!record)
		return;
	record_put (record, "born", born, &ignored);
	record_put (record, "ended", backup->state, &ignored);
	record_put (record, "keep", backup->kept ? "1" : NULL, &ignored);
	record_put (record, "complete", backup->complete ? "1" : NULL, &ignored);
}

void fake_record_end (struct guest *guest, const char *name)
{
	g_autofree char *key = NULL;
	struct record *record;

	if (g_hash_table_steal_extended (guest->records, name, (void **) &key, (void **) &record))
		record_finish (record);
}

/* A backup of a daemon that died is ours now; that of another one is only listed. */
static void load (struct guest *guest, const struct records *of, const char *name)
{
	g_autofree char *born = record_get (of, name, "born"), *keep = record_get (of, name, "keep");
	g_autofree char *complete = record_get (of, name, "complete");
	struct entry *backup = entry_new (name);
	struct fault ignored;

	fake_record_own (guest, name, &ignored);
	backup->born = born ? g_ascii_strtoll (born, NULL, 10) : 0;
	backup->nvram = fake_nvram_size ();
	backup->state = record_get (of, name, "ended");
	backup->kept = keep != NULL;
	backup->complete = complete != NULL;
	g_ptr_array_add (guest->moments[BACKUP], backup);
}

void fake_record_load (struct guest *guest)
{
	g_autoptr (GPtrArray) names = NULL;
	struct records of;

	if (records_of (guest, &of))
		names = record_list (&of);
	for (guint i = 0; names && i < names->len; i++)
		load (guest, &of, names->pdata[i]);
}
