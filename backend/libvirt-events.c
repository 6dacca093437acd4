/* libvirt-events.c - what libvirt tells without being asked
 *
 * Snapshots come and go without an event; what has one is the life of a domain, its
 * jobs and its devices.  The callbacks run in the event thread, where nobody may ask
 * libvirt anything: they only pass on whose turn it is to look again. */

#include "libvirt.h"

static void tell (struct libvirt *lv, virDomainPtr domain)
{
	g_autofree char *name = name_encode (virDomainGetName (domain));

	lv->backend.setup->changed (name);
}

static void tell_backups (struct libvirt *lv, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (lv->backups && virDomainGetUUIDString (domain, uuid) == 0)
		lv->backups->ended (lv, uuid);
}

static int on_lifecycle (virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data)
{
	struct libvirt *lv = data;

	bool is_full = event == VIR_DOMAIN_EVENT_SUSPENDED && detail == VIR_DOMAIN_EVENT_SUSPENDED_IOERROR;

	(void) conn;
	if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED || is_full)
		tell_backups (lv, domain);
	if (event == VIR_DOMAIN_EVENT_DEFINED || event == VIR_DOMAIN_EVENT_UNDEFINED || event == VIR_DOMAIN_EVENT_STOPPED)
		lv->backend.setup->changed (NULL);      /* a transient one goes when it stops */
	tell (lv, domain);
	return 0;
}

static void on_job_over (virConnectPtr conn, virDomainPtr domain, virTypedParameterPtr params, int n, void *data)
{
	(void) conn;
	(void) params;
	(void) n;
	tell_backups (data, domain);
	tell (data, domain);
}

static void on_block_job (virConnectPtr conn, virDomainPtr domain, const char *disk, int type, int status, void *data)
{
	(void) conn;
	(void) disk;
	if (type == VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP && status != VIR_DOMAIN_BLOCK_JOB_READY)
		tell_backups (data, domain);
	tell (data, domain);
}

static void on_device (virConnectPtr conn, virDomainPtr domain, const char *alias, void *data)
{
	(void) conn;
	(void) alias;
	tell (data, domain);
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback callback;
} events[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE,      VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,  VIR_DOMAIN_EVENT_CALLBACK (on_job_over) },
	{ VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,    VIR_DOMAIN_EVENT_CALLBACK (on_block_job) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,   VIR_DOMAIN_EVENT_CALLBACK (on_device) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK (on_device) },
};

/* Drivers know few or many of them; what they do not know, timeouts cover. */
void libvirt_listen (struct libvirt *lv, virConnectPtr conn, GArray *ids)
{
	for (size_t i = 0; i < G_N_ELEMENTS (events); i++) {
		int id = virConnectDomainEventRegisterAny (conn, NULL, events[i].id, events[i].callback, lv, NULL);

		if (id >= 0)
			g_array_append_val (ids, id);
	}
}

/* Each holds on to the connection until then. */
void libvirt_unlisten (virConnectPtr conn, GArray *ids)
{
	for (guint i = 0; i < ids->len; i++)
		virConnectDomainEventDeregisterAny (conn, g_array_index (ids, int, i));
	g_array_set_size (ids, 0);
}
