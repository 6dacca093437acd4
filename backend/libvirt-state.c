/* libvirt-state.c - a domain is asked to run, to stop, or whatever
 *
 * What is so already succeeds.  A guest that is asked to shut down may take its time,
 * or never do it; the domain shows that as a job, which can be told to stop waiting. */

#include <errno.h>
#include <string.h>

#include "libvirt-domain.h"
#include "libvirt-job.h"
#include "libvirt-work.h"

enum { SHUTDOWN_SECONDS = 60 };

/* What is wanted of a domain, and what it is now. */
struct wanted {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *domain;
	int state;
};

static bool is_off (const struct wanted *now)
{
	return now->state == VIR_DOMAIN_SHUTOFF;
}

static int done (int r, struct fault *f)
{
	return r < 0 ? libvirt_fault (f) : 0;
}

static int crashed (const struct wanted *now, struct fault *f)
{
	return fault (f, EBUSY, "%s has crashed: write destroyed or reset first", now->domain);
}

/* A backup of a domain that is off would not let it be written to. */
static int start (const struct wanted *now, unsigned flags, struct fault *f)
{
	if (libvirt_check_idle (now->lv, now->dom, now->domain, f) < 0)
		return -f->err;
	return done (virDomainCreateWithFlags (now->dom, flags), f);
}

static int run (const struct wanted *now, struct fault *f)
{
	switch (now->state) {
	case VIR_DOMAIN_SHUTOFF:
		return start (now, 0, f);
	case VIR_DOMAIN_PAUSED:
		return done (virDomainResume (now->dom), f);
	case VIR_DOMAIN_PMSUSPENDED:
		return done (virDomainPMWakeup (now->dom, 0), f);
	case VIR_DOMAIN_CRASHED:
		return crashed (now, f);
	default:
		return 0;
	}
}

static int pause_it (const struct wanted *now, struct fault *f)
{
	switch (now->state) {
	case VIR_DOMAIN_SHUTOFF:
		return start (now, VIR_DOMAIN_START_PAUSED, f);
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return 0;
	case VIR_DOMAIN_CRASHED:
		return crashed (now, f);
	default:
		return done (virDomainSuspend (now->dom), f);
	}
}

/* One that is gone altogether was not meant to outlive its guest. */
static bool has_stopped (virDomainPtr dom)
{
	int state, reason;

	return virDomainGetState (dom, &state, &reason, 0) < 0 || state == VIR_DOMAIN_SHUTOFF;
}

static int await_stop (const struct wanted *now, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + SHUTDOWN_SECONDS * G_USEC_PER_SEC;

	while (!has_stopped (now->dom)) {
		if (g_get_monotonic_time () > until)
			return fault (f, ETIMEDOUT, "%s was asked to shut down and has not for %d s: it still may, or write destroyed",
				      now->domain, SHUTDOWN_SECONDS);
		if (work_is_cancelled (now->domain, 0.2))         /* at EINTR a shell would write again */
			return fault (f, ETIMEDOUT, "nobody waits for %s to shut down any more: it still may", now->domain);
	}
	return 0;
}

static int shut_off (const struct wanted *now, struct fault *f)
{
	int r;

	if (is_off (now) && virDomainHasManagedSaveImage (now->dom, 0) == 1)
		return fault (f, EBUSY, "%s is off with its memory saved: write running, or virsh managedsave-remove first",
			      now->domain);
	if (is_off (now))
		return 0;
	if (now->state == VIR_DOMAIN_PAUSED || now->state == VIR_DOMAIN_PMSUSPENDED)
		return fault (f, EBUSY, "%s is paused and cannot obey: write running first, or destroyed", now->domain);
	if (now->state == VIR_DOMAIN_CRASHED)
		return crashed (now, f);
	if (virDomainShutdown (now->dom) < 0)
		return libvirt_fault (f);
	work_begin (now->domain, "shutdown", "shutoff", BY_ITSELF);
	r = await_stop (now, f);
	work_end (now->domain);
	return r;
}

static int destroy (const struct wanted *now, struct fault *f)
{
	return is_off (now) ? 0 : done (virDomainDestroy (now->dom), f);
}

static int reset (const struct wanted *now, struct fault *f)
{
	if (is_off (now))
		return fault (f, EBUSY, "%s does not run: write running to start it", now->domain);
	return done (virDomainReset (now->dom, 0), f);
}

/* Only what ends all else need not wait for it. */
static const struct {
	const char *word;
	int (*reach) (const struct wanted *, struct fault *);
	bool waits;
} ways[] = {
	{ "running",   run,      true },
	{ "paused",    pause_it, true },
	{ "shutoff",   shut_off, true },
	{ "destroyed", destroy,  false },
	{ "reset",     reset,    true },
};

int libvirt_set_state (struct backend *be, const char *domain, const char *word, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain (libvirt_of (be), domain, f);
	struct wanted now = { .lv = libvirt_of (be), .dom = dom, .domain = domain };
	int reason;

	if (!dom)
		return -f->err;
	if (virDomainGetState (dom, &now.state, &reason, 0) < 0)
		return libvirt_fault (f);
	for (size_t i = 0; i < G_N_ELEMENTS (ways); i++) {
		if (strcmp (ways[i].word, word) != 0)
			continue;
		if (ways[i].waits && libvirt_check_quiet (now.lv, dom, domain, f) < 0)
			return -f->err;
		return ways[i].reach (&now, f);
	}
	return fault (f, EOPNOTSUPP, "%s cannot be made %s here", domain, word);
}
