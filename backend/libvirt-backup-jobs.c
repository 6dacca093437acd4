/* libvirt-backup-jobs.c - which of the jobs of a domain are backups of ours
 *
 * libvirt's jobs have neither name nor owner; what tells ours is the socket or the file
 * in the description of a backup.  Two kinds libvirt does not tell of: a backup of a
 * domain that is off, and a push that it has written, until its files have their names. */

#include <string.h>

#include "libvirt-backup-stopped.h"
#include "libvirt-xml.h"

static void name_job (struct job *job, const struct records *of, const char *name)
{
	g_autofree char *owner = record_get (of, name, "owner"), *born = record_get (of, name, "born");
	g_autofree char *shown = name_encode (name);

	job->foreign = false;
	job->began = born ? g_ascii_strtoll (born, NULL, 10) / 1000000000 : 0;  /* libvirt forgets it when it restarts */
	g_strlcpy (job->operation, "backup", sizeof job->operation);
	g_strlcpy (job->name, shown, sizeof job->name);
	g_snprintf (job->owner, sizeof job->owner, "domfs, pid %s", owner ? owner : "unknown");
}

void backup_jobs_whose (struct libvirt *lv, virDomainPtr dom, struct job *job)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	g_autofree char *document = virDomainBackupGetXMLDesc (dom, 0);
	g_autofree char *socket = document ? libvirt_xml_text (document, backup_job_path) : NULL;
	struct records of = backup_records (lv, uuid);
	g_autoptr (GPtrArray) names = NULL;

	virDomainGetUUIDString (dom, uuid);
	names = record_list (&of);
	for (guint i = 0; socket && i < names->len; i++) {
		g_autofree char *at = record_get (&of, names->pdata[i], "socket");

		if (g_strcmp0 (at, socket) == 0)
			name_job (job, &of, names->pdata[i]);
	}
}

static bool is_told (const GArray *jobs, const char *name)
{
	g_autofree char *shown = name_encode (name);

	for (guint i = 0; i < jobs->len; i++) {
		const struct job *job = &g_array_index (jobs, struct job, i);

		if (!job->foreign && strcmp (job->operation, "backup") == 0 && strcmp (job->name, shown) == 0)
			return true;
	}
	return false;
}

/* What libvirt does at the end of a push, when the backup has no description any more; or NULL. */
static struct job *without_name (virDomainPtr dom, GArray *jobs)
{
	g_autofree char *document = virDomainBackupGetXMLDesc (dom, 0);

	for (guint i = 0; !document && i < jobs->len; i++) {
		struct job *job = &g_array_index (jobs, struct job, i);

		if (job->foreign && (strcmp (job->operation, "unknown job") == 0 || strcmp (job->name, "backup") == 0))
			return job;
	}
	return NULL;
}

static void add (const struct records *of, const char *name, virDomainPtr dom, bool stopped, GArray *jobs)
{
	struct job *job = stopped ? NULL : without_name (dom, jobs);
	struct job new = { .stopped = stopped };

	name_job (job ? job : &new, of, name);
	if (!job)
		g_array_append_val (jobs, new);
}

void backup_jobs_add (struct libvirt *lv, virDomainPtr dom, GArray *jobs)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = backup_records (lv, uuid);
	g_autoptr (GPtrArray) names = NULL;

	virDomainGetUUIDString (dom, uuid);
	names = record_list (&of);
	for (guint i = 0; i < names->len; i++) {
		struct backup_note note;
		bool runs = backup_note (&of, names->pdata[i], &note) && note.begun && !note.ended;
		bool stopped = runs && backup_is_stopped (note.socket);

		if ((stopped && backup_stopped_runs (note.socket)) ||
		    (runs && note.target && !is_told (jobs, names->pdata[i])))
			add (&of, names->pdata[i], dom, stopped, jobs);
		backup_note_clear (&note);
	}
}
