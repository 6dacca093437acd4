/* libvirt-backup-job.c - the job that serves a backup
 *
 * libvirt's jobs have neither name nor owner, and anybody may end one and begin
 * another.  What tells ours is the path of its socket.  To ask for it waits for
 * no job, and not for QEMU. */

#include <errno.h>
#include <string.h>

#include "libvirt-backup-stopped.h"
#include "libvirt-xml.h"

const char backup_job_path[] = "server/@socket | disks/disk/target/@file";

enum { PATIENCE_SECONDS = 30, NAP_MS = 10, ERRORS_MS = 1100 };

/* Only a clear no is a no. */
static enum backup_job without (const struct fault *f)
{
	return f->err == ENOENT ? JOB_GONE : JOB_UNKNOWN;
}

static enum backup_job look (virDomainPtr dom, const char *socket)
{
	g_autofree char *xml = virDomainBackupGetXMLDesc (dom, 0), *at = NULL;
	struct fault f;

	if (!xml) {
		libvirt_fault (&f);
		return without (&f);
	}
	at = libvirt_xml_text (xml, backup_job_path);
	return g_strcmp0 (at, socket) == 0 ? JOB_THERE : JOB_GONE;
}

enum backup_job backup_job (struct libvirt *lv, const char *uuid, const char *socket)
{
	struct fault f;
	g_autoptr (virDomain) dom = NULL;

	if (backup_is_stopped (socket))
		return backup_stopped_runs (socket) ? JOB_THERE : JOB_GONE;
	dom = libvirt_domain_by_uuid (lv, uuid, &f);
	return dom ? look (dom, socket) : without (&f);
}

bool backup_job_is_coming (struct libvirt *lv, const char *uuid)
{
	struct fault f;
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, &f);
	virDomainControlInfo info;

	return dom && virDomainGetControlInfo (dom, &info, 0) == 0 && info.state != VIR_DOMAIN_CONTROL_OK;
}

bool backup_job_is_orphan (struct libvirt *lv, const char *uuid)
{
	struct fault f;
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, &f);

	return !dom && f.err == ENOENT;
}

static int await_end (struct libvirt *lv, const char *uuid, const char *socket, struct fault *f)
{
	gint64 until = g_get_monotonic_time () + PATIENCE_SECONDS * G_USEC_PER_SEC;
	enum backup_job job;

	while ((job = backup_job (lv, uuid, socket)) != JOB_GONE && g_get_monotonic_time () < until)
		g_usleep (NAP_MS * 1000);
	if (job == JOB_THERE)
		return fault (f, ETIMEDOUT, "the job was told to end, and goes on");
	return job == JOB_UNKNOWN ? fault (f, ENOTCONN, "the job was told to end, and nobody can be asked whether it did") : 0;
}

static int end (struct libvirt *lv, const char *uuid, const char *socket, struct fault *f)
{
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, f);
	enum backup_job job = dom ? look (dom, socket) : without (f);
	int r;

	if (job == JOB_GONE)
		return 0;
	if (!dom)
		return -f->err;
	if (job == JOB_UNKNOWN)
		return fault (f, ENOTCONN, "nobody can be asked whether the job still runs");
	if (virDomainAbortJob (dom) == 0)
		return await_end (lv, uuid, socket, f);
	r = libvirt_fault (f);
	return look (dom, socket) == JOB_GONE ? 0 : r;
}

/* QEMU 10 tells of a disk's second error up to a second after its first.  libvirt would take a guest that was
 * resumed before that for one that stands still, for good: not even virDomainResume() tells it otherwise. */
static void await_errors (struct libvirt *lv)
{
	if (libvirt_hypervisor (lv).version >= 10000000)
		g_usleep (ERRORS_MS * 1000);
}

void backup_job_resume (struct libvirt *lv, const char *uuid)
{
	struct fault f;
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, &f);
	int state, reason;

	if (!dom || virDomainGetState (dom, &state, &reason, 0) < 0)
		return;
	if (state != VIR_DOMAIN_PAUSED || reason != VIR_DOMAIN_PAUSED_IOERROR)
		return;
	await_errors (lv);
	virDomainResume (dom);
}

int backup_job_end (struct libvirt *lv, const char *uuid, const char *socket, struct fault *f)
{
	int r;

	if (backup_is_stopped (socket))
		return backup_stopped_end (socket, f);
	r = end (lv, uuid, socket, f);
	if (r == 0)
		backup_job_resume (lv, uuid);
	return r;
}

static const char *const reasons[] = {
	[VIR_DOMAIN_SHUTOFF_SHUTDOWN] = "the guest shut down",      [VIR_DOMAIN_SHUTOFF_DESTROYED] = "the guest was turned off",
	[VIR_DOMAIN_SHUTOFF_CRASHED] = "the guest crashed",         [VIR_DOMAIN_SHUTOFF_MIGRATED] = "the guest has moved",
	[VIR_DOMAIN_SHUTOFF_SAVED] = "the guest was saved",         [VIR_DOMAIN_SHUTOFF_FAILED] = "the guest crashed",
	[VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = "the guest went back to a snapshot",
};

const char *backup_job_why (struct libvirt *lv, const char *uuid, const char *socket, int id)
{
	struct fault f;
	g_autoptr (virDomain) dom = libvirt_domain_by_uuid (lv, uuid, &f);
	const char *why = "the guest was turned off";
	int state, reason;

	if (backup_is_stopped (socket))
		return "its storage daemon is gone";
	if (!dom || virDomainGetState (dom, &state, &reason, 0) < 0)
		return why;
	if (state != VIR_DOMAIN_SHUTOFF)
		return (int) virDomainGetID (dom) == id ? "another client ended it" : why;
	return reason < (int) G_N_ELEMENTS (reasons) && reasons[reason] ? reasons[reason] : why;
}
