/* libvirt-domain.c - the verbs of domains under libvirt */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libvirt-domain.h"

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

static int list_one_by_one (struct libvirt *lv, virConnectPtr conn, struct listing *out, struct fault *f)
{
	virDomainPtr *domains;
	int n = virConnectListAllDomains (conn, &domains, 0);

	if (n < 0)
		return libvirt_fault (f);
	for (int i = 0; i < n; i++) {
		int state, reason;

		if (virDomainGetState (domains[i], &state, &reason, 0) == 0)
			add (lv, out, domains[i], state);       /* else it has just gone */
	}
	free_domains (domains, n);
	return 0;
}

static void mark_saved (virConnectPtr conn, const struct listing *out)
{
	virDomainPtr *domains;
	int n = virConnectListAllDomains (conn, &domains, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE);

	for (int i = 0; i < n; i++) {
		g_autofree char *name = name_encode (virDomainGetName (domains[i]));
		struct entry *entry = g_hash_table_lookup (out->by_name, name);

		if (entry && strcmp (entry->state, "shutoff") == 0) {
			g_free (entry->state);
			entry->state = g_strdup ("saved");
		}
	}
	if (n >= 0)
		free_domains (domains, n);
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
	if (r == 0)
		mark_saved (conn, out);
	return r;
}

int libvirt_domain_xml (struct backend *be, const char *domain, GString *out, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	g_autofree char *xml = dom ? virDomainGetXMLDesc (dom, 0) : NULL;

	if (!dom)
		return -f->err;
	if (!xml)
		return libvirt_fault (f);
	g_string_append (out, xml);
	return 0;
}
