/* libvirt-backup-adopt.c - what dead mounts have left
 *
 * The record of a backup that is free has no owner any more.  One without its disks
 * is of a mkdir that never returned, and is undone: libvirtd may still be at work for
 * it, and for as long as its QEMU is stopped, so that is not waited for to its end.  One
 * that has ended may have left a checkpoint of which nothing has become yet. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-served.h"
#include "libvirt-checkpoint.h"

enum { PATIENCE_SECONDS = 1 };

struct left {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *uuid, *name;
	struct records of;
	struct backup_note note;
	char *scratch;
	struct record *record;
};

/* There may be room again where there was none, and a guest that waits for it. */
static void resume (const struct left *left)
{
	g_autoptr (GArray) scratch = backup_scratch_parse (left->scratch);
	g_autofree char *full = backup_scratch_full (scratch);

	if (!full)
		backup_job_resume (left->lv, left->uuid);
}

/* What its thread does soon is waited for: of a push, it asks libvirt how its last job ended, before there is a next one. */
static void own (struct left *left, bool stray, bool soon)
{
	g_autofree char *domain = name_encode (virDomainGetName (left->dom));
	struct served *served = served_new (left->lv, left->dom, domain, left->name, &left->note, left->scratch);
	gint64 until = g_get_monotonic_time () + PATIENCE_SECONDS * G_USEC_PER_SEC;
	struct fault ignored;

	served->record = g_steal_pointer (&left->record);
	served->stray = stray;
	served = served_begin (served, &ignored);
	if (served && soon)
		served_await (served, until);
	served_unref (served);
	if (!stray)
		resume (left);
}

static void finish (struct left *left)
{
	g_autofree char *domain = name_encode (virDomainGetName (left->dom));
	g_autoptr (GArray) scratch = backup_scratch_parse (left->scratch);
	struct fault ignored;

	backup_job_end (left->lv, left->uuid, left->note.socket, &ignored);     /* it has, but may have left something */
	backup_socket_remove (left->note.socket, left->note.directory);
	backup_scratch_remove (scratch);
	record_put (left->record, "ended", "while no mount was up", &ignored);
	backup_fate (left->lv, &left->of, left->name, left->record, &ignored);
	left->lv->backend.setup->changed (domain);
}

/* What has ended needs no owner, until rmdir. */
static void take_over (struct left *left)
{
	enum backup_job job;
	struct fault ignored;

	left->scratch = record_get (&left->of, left->name, "scratch");
	if (!backup_note (&left->of, left->name, &left->note)) {
		backup_socket_remove (left->note.socket, left->note.directory);
		record_finish (g_steal_pointer (&left->record));        /* nobody was asked for anything yet */
		return;
	}
	job = left->note.ended ? JOB_UNKNOWN : backup_job (left->lv, left->uuid, left->note.socket);
	if (left->note.ended)
		backup_fate (left->lv, &left->of, left->name, left->record, &ignored);
	else if (!left->note.begun)
		own (left, true, true);
	else if (job == JOB_THERE)
		own (left, false, false);
	else if (job == JOB_GONE && left->note.target)
		own (left, false, true);        /* files that are whole may still have no names */
	else if (job == JOB_GONE)
		finish (left);
}

static bool is_ours (const char *socket)
{
	struct served *served = served_find (socket);
	bool ours = served && served_is_ours (served);

	served_unref (served);
	return ours;
}

static void adopt (struct libvirt *lv, virDomainPtr dom, const char *uuid, const char *name)
{
	struct left left = { .lv = lv, .dom = dom, .uuid = uuid, .name = name, .of = backup_records (lv, uuid) };
	g_autofree char *socket = record_get (&left.of, name, "socket");
	bool over = backup_has (&left.of, name, "ended") && !backup_fate_is_open (&left.of, name);
	struct fault ignored;

	if (over || (socket && is_ours (socket)) || record_take (&left.of, name, &left.record, &ignored) < 0)
		return;
	take_over (&left);
	if (left.record)
		record_leave (left.record);
	backup_note_clear (&left.note);
	g_free (left.scratch);
}

void backup_adopt_one (struct libvirt *lv, const char *uuid, const char *name)
{
	struct fault ignored;
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, &ignored);

	if (dom && !lv->backend.setup->read_only)
		adopt (lv, dom, uuid, name);
}

void backup_adopt (struct libvirt *lv, virDomainPtr dom)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct records of = backup_records (lv, uuid);
	g_autoptr (GPtrArray) names = NULL;

	if (lv->backend.setup->read_only || virDomainGetUUIDString (dom, uuid) < 0)
		return;
	checkpoint_adopt (lv, dom);
	record_tidy (&of);
	names = record_list (&of);
	for (guint i = 0; i < names->len; i++)
		adopt (lv, dom, uuid, names->pdata[i]);
}

/* Of a domain that is gone nobody can ever see it again. */
static void bury (struct left *left)
{
	g_autoptr (GArray) scratch = backup_scratch_parse (left->scratch);
	struct fault ignored;

	backup_note (&left->of, left->name, &left->note);
	if (left->note.socket && backup_job_end (left->lv, left->uuid, left->note.socket, &ignored) < 0)
		return;
	if (!left->note.complete)
		backup_pushed_remove (&left->of, left->name);
	backup_socket_remove (left->note.socket, left->note.directory);
	backup_scratch_remove (scratch);
	record_finish (g_steal_pointer (&left->record));
}

static void bury_one (struct libvirt *lv, const char *uuid, const char *name)
{
	struct left left = { .lv = lv, .uuid = uuid, .name = name, .of = backup_records (lv, uuid) };
	g_autofree char *hypervisor = record_get (&left.of, name, "hypervisor");
	struct fault ignored;

	if (g_strcmp0 (hypervisor, lv->backend.setup->shown) != 0 ||
	    record_take (&left.of, name, &left.record, &ignored) < 0)
		return;
	left.scratch = record_get (&left.of, name, "scratch");
	bury (&left);
	if (left.record)
		record_leave (left.record);
	backup_note_clear (&left.note);
	g_free (left.scratch);
}

/* A domain that is unknown here may be another hypervisor's. */
static void bury_all (struct libvirt *lv, const char *uuid)
{
	struct records of = backup_records (lv, uuid);
	g_autoptr (GPtrArray) names = record_list (&of);

	for (guint i = 0; i < names->len; i++)
		bury_one (lv, uuid, names->pdata[i]);
}

void backup_adopt_all (struct libvirt *lv)
{
	g_autoptr (GPtrArray) uuids = record_uuids (lv->backend.setup->state);
	struct fault ignored;
	g_autoptr (virConnect) conn = libvirt_connection (lv, &ignored);

	for (guint i = 0; conn && i < uuids->len; i++) {
		g_autoptr (virDomain) dom = virDomainLookupByUUIDString (conn, uuids->pdata[i]);

		if (dom)
			backup_adopt (lv, dom);
		else if (libvirt_fault (&ignored) == -ENOENT && !lv->backend.setup->read_only)
			bury_all (lv, uuids->pdata[i]);
	}
}
