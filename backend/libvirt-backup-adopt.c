/* libvirt-backup-adopt.c - what dead mounts have left
 *
 * The record of a backup that is free has no owner any more.  One without its disks
 * is of a mkdir that never returned, and is undone; libvirtd may still be at work for
 * it, so its job is looked for twice. */

#include <string.h>

#include "libvirt-backup.h"

enum { STRAY_US = 1000000 };    /* until what a dead client has asked libvirt for has begun */

struct left {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *uuid, *name;
	struct records of;
	struct backup_note note;
	char *scratch;
	struct record *record;
};

static void remove_files (const struct left *left)
{
	g_autoptr (GArray) scratch = backup_scratch_parse (left->scratch);

	backup_socket_remove (left->note.socket, left->note.directory);
	backup_scratch_remove (scratch);
}

/* Its mkdir died with its mount. */
static void undo (struct left *left)
{
	struct fault ignored;

	if (left->note.socket && backup_job (left->lv, left->uuid, left->note.socket) == JOB_GONE)
		g_usleep (STRAY_US);
	if (left->note.socket && backup_job_end (left->lv, left->uuid, left->note.socket, &ignored) < 0)
		return;
	remove_files (left);
	record_finish (g_steal_pointer (&left->record));
}

static void own (struct left *left)
{
	g_autofree char *domain = name_encode (virDomainGetName (left->dom));
	struct served *served = served_new (left->lv, left->dom, domain, left->name, &left->note, left->scratch);
	struct fault ignored;

	served->record = g_steal_pointer (&left->record);
	served_unref (served_begin (served, &ignored));
}

static void finish (struct left *left)
{
	struct fault ignored;

	record_put (left->record, "ended", "while no mount was up", &ignored);
	remove_files (left);
	left->lv->backend.setup->changed (virDomainGetName (left->dom));
}

/* What has ended needs no owner, until rmdir. */
static void take_over (struct left *left)
{
	bool noted = backup_note (&left->of, left->name, &left->note);
	enum backup_job job;

	left->scratch = record_get (&left->of, left->name, "scratch");
	if (!noted || !left->note.begun) {
		undo (left);
		return;
	}
	job = left->note.ended ? JOB_UNKNOWN : backup_job (left->lv, left->uuid, left->note.socket);
	if (job == JOB_THERE)
		own (left);
	if (job == JOB_GONE)
		finish (left);
}

static void adopt (struct libvirt *lv, virDomainPtr dom, const char *uuid, const char *name)
{
	struct left left = { .lv = lv, .dom = dom, .uuid = uuid, .name = name, .of = backup_records (lv, uuid) };
	g_autofree char *ended = record_get (&left.of, name, "ended");
	struct fault ignored;

	if (ended || record_take (&left.of, name, &left.record, &ignored) < 0)
		return;
	take_over (&left);
	if (left.record)
		record_leave (left.record);
	backup_note_clear (&left.note);
	g_free (left.scratch);
}

void backup_adopt (struct libvirt *lv, virDomainPtr dom)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = backup_records (lv, uuid);
	g_autoptr (GPtrArray) names = NULL;

	if (lv->backend.setup->read_only || virDomainGetUUIDString (dom, uuid) < 0)
		return;
	names = record_list (&of);
	for (guint i = 0; i < names->len; i++)
		adopt (lv, dom, uuid, names->pdata[i]);
}

/* Domains that are unknown here may be another hypervisor's. */
void backup_adopt_all (struct libvirt *lv)
{
	g_autoptr (GPtrArray) uuids = record_uuids (lv->backend.setup->state);
	struct fault ignored;
	g_autoptr (virConnect) conn = libvirt_connection (lv, &ignored);

	for (guint i = 0; conn && i < uuids->len; i++) {
		g_autoptr (virDomain) dom = virDomainLookupByUUIDString (conn, uuids->pdata[i]);

		if (dom)
			backup_adopt (lv, dom);
	}
}
