/* libvirt-domain.c - the domains there are, and what each is made of */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libvirt-checkpoint.h"
#include "libvirt-domain.h"
#include "libvirt-work.h"
#include "libvirt-xml.h"

/* In the order of virDomainState. */
static const char *const states[] = {
	[VIR_DOMAIN_NOSTATE] = "running",     [VIR_DOMAIN_RUNNING] = "running",   [VIR_DOMAIN_BLOCKED] = "running",
	[VIR_DOMAIN_PAUSED] = "paused",       [VIR_DOMAIN_SHUTDOWN] = "running",  [VIR_DOMAIN_SHUTOFF] = "shutoff",
	[VIR_DOMAIN_CRASHED] = "crashed",     [VIR_DOMAIN_PMSUSPENDED] = "paused",
};

static const char *state_word (int state)
{
	return state >= 0 && state < (int) G_N_ELEMENTS (states) ? states[state] : "running";
}

static void add (struct libvirt *lv, struct listing *out, virDomainPtr domain, int state)
{
	g_autofree char *name = name_encode (virDomainGetName (domain));
	struct entry *entry = listing_add (out, entry_new (name));

	entry->state = g_strdup (state_word (state));
	for (enum moment kind = SNAPSHOT; kind < N_MOMENTS; kind++)
		if (lv->backend.moments[kind])
			entry->can |= CAN (kind);
}

static int state_in (const virDomainStatsRecord *record)
{
	int state = VIR_DOMAIN_NOSTATE;

	virTypedParamsGetInt (record->params, record->nparams, "state.state", &state);
	return state;
}

/* One call for all; not every driver has it. */
static int list_by_stats (struct libvirt *lv, virConnectPtr conn, struct listing *out)
{
	virDomainStatsRecordPtr *records;
	int n = virConnectGetAllDomainStats (conn, VIR_DOMAIN_STATS_STATE, &records, 0);

	for (int i = 0; i < n; i++)
		add (lv, out, records[i]->dom, state_in (records[i]));
	if (n >= 0)
		virDomainStatsRecordListFree (records);
	return n;
}

static void free_domains (virDomainPtr *domains, int n)
{
	for (int i = 0; i < n; i++)
		virDomainFree (domains[i]);
	free (domains);
}

/* One that has gone since it was listed is none. */
static int add_each (struct libvirt *lv, virDomainPtr *domains, int n, struct listing *out, struct fault *f)
{
	for (int i = 0; i < n; i++) {
		int state, reason;

		if (virDomainGetState (domains[i], &state, &reason, 0) == 0)
			add (lv, out, domains[i], state);
		else if (libvirt_fault (f) != -ENOENT)
			return -f->err;
	}
	return 0;
}

static int list_one_by_one (struct libvirt *lv, virConnectPtr conn, struct listing *out, struct fault *f)
{
	virDomainPtr *domains;
	int n = virConnectListAllDomains (conn, &domains, 0), r;

	if (n < 0)
		return libvirt_fault (f);
	r = add_each (lv, domains, n, out, f);
	free_domains (domains, n);
	return r;
}

/* Drivers that cannot save cannot tell. */
static int mark_saved (virConnectPtr conn, const struct listing *out, struct fault *f)
{
	virDomainPtr *domains;
	int n = virConnectListAllDomains (conn, &domains, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE);

	if (n < 0)
		return libvirt_fault (f) == -ENOTCONN ? -ENOTCONN : 0;
	for (int i = 0; i < n; i++) {
		g_autofree char *name = name_encode (virDomainGetName (domains[i]));
		struct entry *entry = g_hash_table_lookup (out->by_name, name);

		if (entry && strcmp (entry->state, "shutoff") == 0) {
			g_free (entry->state);
			entry->state = g_strdup ("saved");
		}
	}
	free_domains (domains, n);
	return 0;
}

int libvirt_domains (struct backend *be, struct listing *out, struct fault *f)
{
	struct libvirt *lv = libvirt_of (be);
	g_autoptr (virConnect) conn = libvirt_connection (lv, f);
	int r = 0;

	if (!conn)
		return -f->err;
	if (list_by_stats (lv, conn, out) < 0)
		r = list_one_by_one (lv, conn, out, f);
	return r == 0 ? mark_saved (conn, out, f) : r;
}

/* DOM's definition, live if it runs, without secrets; it is the caller's.  NULL if there is no DOM. */
static char *definition (virDomainPtr dom, struct fault *f)
{
	char *xml = dom ? virDomainGetXMLDesc (dom, 0) : NULL;

	if (dom && !xml)
		libvirt_fault (f);
	return xml;
}

int libvirt_domain_xml (struct backend *be, const char *domain, GString *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autofree char *xml = definition (dom, f);

	if (!xml)
		return -f->err;
	g_string_append (out, xml);
	return 0;
}

/* A drive with nothing in it is no disk. */
int libvirt_disks (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autofree char *xml = definition (dom, f);
	g_autoptr (GPtrArray) disks = xml ? libvirt_xml_disks (xml) : NULL;

	for (guint i = 0; disks && i < disks->len; i++) {
		const struct libvirt_disk *disk = disks->pdata[i];
		struct entry *entry;

		if (!disk->source)
			continue;
		entry = listing_add (out, entry_new (disk->target));
		entry->state = g_strdup (disk->format);
		entry->text = g_strdup (disk->source);
		if (strcmp (disk->format, "qcow2") == 0 && checkpoint_can_mark (libvirt_of (be), dom, disk))
			entry->can = CAN_BITMAP;
	}
	return xml ? 0 : -f->err;
}

static uint64_t size_in (const virDomainStatsRecord *record, unsigned i, const char *what)
{
	g_autofree char *name = g_strdup_printf ("block.%u.%s", i, what);
	unsigned long long size = 0;

	virTypedParamsGetULLong (record->params, record->nparams, name, &size);
	return size;
}

static void fill_sizes (const virDomainStatsRecord *record, const struct listing *disks)
{
	unsigned n = 0;

	virTypedParamsGetUInt (record->params, record->nparams, "block.count", &n);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf ("block.%u.name", i);
		const char *target = NULL;
		struct entry *disk;

		virTypedParamsGetString (record->params, record->nparams, name, &target);
		disk = target ? g_hash_table_lookup (disks->by_name, target) : NULL;
		if (!disk)
			continue;
		disk->size = size_in (record, i, "capacity");
		disk->allocated = size_in (record, i, "physical");
	}
}

/* What a job keeps from being asked is left unknown. */
int libvirt_sizes (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	virDomainPtr doms[] = { dom, NULL };
	virDomainStatsRecordPtr *records;
	int n;

	if (!dom || libvirt_disks (be, domain, out, f) < 0)
		return -f->err;
	if (!turn_begin (domain))
		return 0;
	n = virDomainListGetStats (doms, VIR_DOMAIN_STATS_BLOCK, &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	turn_end (domain);
	if (n > 0)
		fill_sizes (records[0], out);
	if (n >= 0)
		virDomainStatsRecordListFree (records);
	return 0;
}
