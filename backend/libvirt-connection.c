/* libvirt-connection.c - reached once, and kept reached
 *
 * Two threads: the loop runs libvirt's events and keepalive, and must run before
 * the first connection is opened (an embedded driver insists); the keeper waits
 * until the connection is lost and then tries every second to open another.  All
 * who ask meanwhile get ENOTCONN at once.  Opening may block for as long as a
 * daemon is stopped, so it is done without the lock.  This connection hears events;
 * who asks has another (libvirt-loan.c). */

#include <errno.h>
#include <string.h>

#include "libvirt-loan.h"
#include "libvirt-xml.h"

enum { AGAIN_SECONDS = 1, END_SECONDS = 1 };

static GArray *listening;       /* ids of event callbacks: the keeper's, or the opener's before there is one */
static bool quiet;              /* the loop is to end */

static void on_close (virConnectPtr conn, int reason, void *data)
{
	struct libvirt *lv = data;

	(void) reason;
	LOCKED (&lv->lock);
	if (conn != lv->conn)
		return;
	lv->lost = true;
	g_strlcpy (lv->why, "it closed the connection, or did not answer", sizeof lv->why);
	pthread_cond_signal (&lv->woken);
}

static bool is_remote (const char *uri)
{
	g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_PARSE_RELAXED, NULL);
	const char *host = parsed ? g_uri_get_host (parsed) : NULL;
	const char *transport = parsed ? strchr (g_uri_get_scheme (parsed), '+') : NULL;

	return (host && *host) || (transport && strcmp (transport, "+unix") != 0);
}

/* Who may only look may not ask for this, but sees the backups of others. */
static bool has_backups (virConnectPtr conn, const struct hypervisor *at)
{
	g_autofree char *domain = virConnectGetDomainCapabilities (conn, NULL, NULL, NULL, NULL, 0);

	if (!domain)
		return strcmp (at->driver, "QEMU") == 0 && at->library >= 7002000;
	return libvirt_xml_has (domain, "/domainCapabilities/features/backup[@supported='yes']");
}

/* QEMU is asked what it can by starting it, which may take long: only where it may have changed. */
static void look_closer (virConnectPtr conn, struct hypervisor *at)
{
	g_autofree char *capabilities = virConnectGetCapabilities (conn);

	at->external_revert = capabilities && libvirt_xml_has (capabilities, "//guest/features/externalSnapshot");
	at->backups = has_backups (conn, at);
}

static void look (virConnectPtr conn, const struct hypervisor *before, struct hypervisor *at)
{
	g_autofree char *uri = virConnectGetURI (conn);
	const char *driver = virConnectGetType (conn);

	*at = *before;
	g_strlcpy (at->driver, driver ? driver : "unknown", sizeof at->driver);
	virConnectGetLibVersion (conn, &at->library);
	virConnectGetVersion (conn, &at->version);
	at->remote = uri && is_remote (uri);
	at->in_process = (uri && strstr (uri, "///embed")) || (strcmp (at->driver, "TEST") == 0 && !at->remote);
	if (at->library != before->library || at->version != before->version)
		look_closer (conn, at);
}

static void publish (struct libvirt *lv, virConnectPtr conn, const struct hypervisor *at)
{
	LOCKED (&lv->lock);

	lv->conn = conn;
	lv->at = *at;
	lv->lost = virConnectIsAlive (conn) == 0;       /* on_close() may have come before it was ours */
}

static int open_connection (struct libvirt *lv, struct fault *f)
{
	struct hypervisor before = libvirt_hypervisor (lv), at;
	virConnectPtr conn = loan_open (lv->backend.setup, f);

	if (!conn)
		return -f->err;
	virConnectRegisterCloseCallback (conn, on_close, lv, NULL);
	libvirt_listen (lv, conn, listening);
	look (conn, &before, &at);
	publish (lv, conn, &at);
	return 0;
}

static virConnectPtr take (struct libvirt *lv)
{
	LOCKED (&lv->lock);
	virConnectPtr conn = lv->conn;

	lv->conn = NULL;
	return conn;
}

static void close_connection (struct libvirt *lv)
{
	virConnectPtr conn = take (lv);

	loan_recall ();
	if (!conn)
		return;
	libvirt_unlisten (conn, listening);
	virConnectUnregisterCloseCallback (conn, on_close);
	virConnectClose (conn);
}

/* False: it is to end. */
static bool await_loss (struct libvirt *lv)
{
	LOCKED (&lv->lock);

	while (!lv->lost && !lv->ending)
		pthread_cond_wait (&lv->woken, &lv->lock);
	return !lv->ending;
}

static void rest (struct libvirt *lv, const struct fault *f)
{
	gint64 until = g_get_monotonic_time () + AGAIN_SECONDS * G_USEC_PER_SEC;

	LOCKED (&lv->lock);
	g_strlcpy (lv->why, f->text, sizeof lv->why);
	while (!lv->ending && lock_wait (&lv->woken, &lv->lock, until))
		;
}

static void *keep (void *data)
{
	struct libvirt *lv = data;
	struct fault f;

	while (await_loss (lv)) {
		close_connection (lv);
		if (open_connection (lv, &f) < 0) {
			rest (lv, &f);
			continue;
		}
		lv->backend.setup->changed (NULL);
		if (lv->backups)
			lv->backups->ended (lv, NULL);
	}
	close_connection (lv);
	return NULL;
}

static void *loop (void *data)
{
	(void) data;
	while (!__atomic_load_n (&quiet, __ATOMIC_ACQUIRE))
		if (virEventRunDefaultImpl () < 0)
			g_usleep (10000);
	return NULL;
}

static void wake (int timer, void *data)
{
	(void) timer;
	(void) data;
}

/* Who calls libvirt says what failed, so libvirt need not print it too. */
static void say_nothing (void *data, virErrorPtr error)
{
	(void) data;
	(void) error;
}

int libvirt_reach (struct libvirt *lv, struct fault *f)
{
	int r;

	virSetErrorFunc (NULL, say_nothing);
	if (virEventRegisterDefaultImpl () < 0)
		return libvirt_fault (f);
	listening = g_array_new (FALSE, FALSE, sizeof (int));
	lv->timer = virEventAddTimeout (-1, wake, NULL, NULL);
	pthread_create (&lv->loop, NULL, loop, lv);
	r = open_connection (lv, f);
	if (r == 0)
		pthread_create (&lv->keeper, NULL, keep, lv);
	return r;
}

static void end (struct libvirt *lv)
{
	LOCKED (&lv->lock);

	lv->ending = true;
	pthread_cond_signal (&lv->woken);
}

bool libvirt_leave (struct libvirt *lv)
{
	struct timespec until;

	loan_return ();
	end (lv);
	clock_gettime (CLOCK_MONOTONIC, &until);
	until.tv_sec += END_SECONDS;
	if (pthread_clockjoin_np (lv->keeper, NULL, CLOCK_MONOTONIC, &until) != 0)
		return false;
	__atomic_store_n (&quiet, true, __ATOMIC_RELEASE);
	virEventUpdateTimeout (lv->timer, 0);
	pthread_join (lv->loop, NULL);
	g_array_unref (listening);
	return true;
}

/* A driver in this process has no daemon that could make one wait for another, and may keep its
 * domains per connection. */
static int find (struct libvirt *lv, virConnectPtr *conn, struct fault *f)
{
	LOCKED (&lv->lock);

	if (!lv->conn || lv->lost)
		return fault (f, ENOTCONN, "%s cannot be reached: %s", lv->backend.setup->shown, lv->why);
	*conn = lv->at.in_process ? lv->conn : NULL;
	if (*conn)
		virConnectRef (*conn);
	return 0;
}

virConnectPtr libvirt_connection (struct libvirt *lv, struct fault *f)
{
	virConnectPtr conn;

	if (find (lv, &conn, f) < 0)
		return NULL;
	return conn ? conn : loan_take (lv->backend.setup, f);
}

virDomainPtr libvirt_domain (struct libvirt *lv, const char *domain, struct fault *f)
{
	g_autoptr (virConnect) conn = libvirt_connection (lv, f);
	g_autofree char *name = name_decode (domain);
	virDomainPtr dom = conn ? virDomainLookupByName (conn, name) : NULL;

	if (conn && !dom)
		libvirt_fault (f);
	return dom;
}

virDomainPtr libvirt_domain_by_uuid (struct libvirt *lv, const char *uuid, struct fault *f)
{
	g_autoptr (virConnect) conn = libvirt_connection (lv, f);
	virDomainPtr dom = conn ? virDomainLookupByUUIDString (conn, uuid) : NULL;

	if (conn && !dom)
		libvirt_fault (f);
	return dom;
}

struct hypervisor libvirt_hypervisor (struct libvirt *lv)
{
	LOCKED (&lv->lock);

	return lv->at;
}
