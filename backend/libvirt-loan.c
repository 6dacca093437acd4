/* libvirt-loan.c - a connection for each thread that asks
 *
 * libvirtd works on five requests of a connection at a time (max_client_requests),
 * so five that wait for a QEMU that hangs would hold up all others.  And where
 * threads share a connection that breaks, libvirt before 10.4 writes to the stack of
 * one that has gone on (CVE-2024-4418; Debian 12's has it).  So a thread has one to
 * itself from its first question until it ends, and then the next one has it. */

#include <errno.h>

#include "libvirt-loan.h"

enum {
	KEEPALIVE_SECONDS = 5, KEEPALIVE_COUNT = 3,     /* then a silent daemon counts as lost */
	MAX_IDLE = 8,
};

struct loan {
	virConnectPtr conn;
	unsigned era;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t mine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static virConnectPtr idle[MAX_IDLE];
static int n_idle;
static unsigned era;            /* of the daemon that answers now */

static bool is_good (const struct loan *loan)
{
	LOCKED (&lock);

	return loan->era == era && virConnectIsAlive (loan->conn) > 0;
}

static bool becomes_idle (const struct loan *loan)
{
	LOCKED (&lock);

	if (loan->era != era || n_idle == MAX_IDLE || virConnectIsAlive (loan->conn) <= 0)
		return false;
	idle[n_idle++] = loan->conn;
	return true;
}

static void give_back (void *data)
{
	g_autofree struct loan *loan = data;

	if (!becomes_idle (loan))
		virConnectClose (loan->conn);
}

static void begin (void)
{
	pthread_key_create (&mine, give_back);
}

static struct loan take_idle (void)
{
	LOCKED (&lock);

	return (struct loan) { n_idle ? idle[--n_idle] : NULL, era };
}

virConnectPtr loan_open (const struct setup *setup, struct fault *f)
{
	virConnectPtr conn = virConnectOpenAuth (setup->source, NULL, setup->read_only ? VIR_CONNECT_RO : 0);

	if (conn)
		virConnectSetKeepAlive (conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
	else
		libvirt_fault (f);
	return conn;
}

static struct loan *borrow (const struct setup *setup, struct fault *f)
{
	struct loan loan = take_idle ();

	if (!loan.conn && !(loan.conn = loan_open (setup, f)))
		return NULL;
	return g_memdup2 (&loan, sizeof loan);
}

void loan_return (void)
{
	struct loan *loan;

	pthread_once (&once, begin);
	loan = pthread_getspecific (mine);
	if (!loan)
		return;
	pthread_setspecific (mine, NULL);
	give_back (loan);
}

virConnectPtr loan_take (const struct setup *setup, struct fault *f)
{
	struct loan *loan;

	pthread_once (&once, begin);
	loan = pthread_getspecific (mine);
	if (loan && !is_good (loan))
		loan_return ();
	if (!pthread_getspecific (mine))
		pthread_setspecific (mine, borrow (setup, f));
	loan = pthread_getspecific (mine);
	if (loan)
		virConnectRef (loan->conn);
	return loan ? loan->conn : NULL;
}

static void begin_era (void)
{
	LOCKED (&lock);

	era++;
}

void loan_recall (void)
{
	struct loan loan;

	begin_era ();
	while ((loan = take_idle ()).conn)
		virConnectClose (loan.conn);
}
