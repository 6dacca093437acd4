/* libvirt.c - the backend for a libvirt URI */

#include <errno.h>
#include <string.h>

#include "libvirt-checkpoint.h"
#include "libvirt-domain.h"
#include "libvirt-job.h"
#include "libvirt-snapshot-image.h"
#include "libvirt-snapshot.h"
#include "libvirt.h"
#include "nbd.h"

/* Who can have snapshots: libvirt has no way to ask. */
static const char *const with_snapshots[] = { "QEMU", "TEST", "VBOX", "ESX", "vz", NULL };

static void show_version (GString *out, unsigned long version)
{
	g_string_append_printf (out, "%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static void about (struct backend *be, GString *version, GString *lacks)
{
	struct hypervisor at = libvirt_hypervisor (libvirt_of (be));

	g_string_append (version, "libvirt ");
	show_version (version, at.library);
	g_string_append_printf (version, "\n%s ", at.driver);
	show_version (version, at.version);
	g_string_append_c (version, '\n');
	if (at.remote)
		g_string_append (lacks, "no backups/: the bytes of its disks are on another host\n");
	else if (!at.backups)
		g_string_append_printf (lacks, "no backups/: the %s driver of this libvirt has none\n", at.driver);
}

static void libvirt_close (struct backend *be)
{
	struct libvirt *lv = libvirt_of (be);

	if (lv->backups && !lv->backups->end (lv))
		return;
	if (!libvirt_leave (lv))
		return;
	g_free (lv);
}

static const struct backend_ops libvirt_ops = {
	.name = "libvirt", .about = about, .domains = libvirt_domains, .xml = libvirt_domain_xml,
	.disks = libvirt_disks, .sizes = libvirt_sizes, .set_state = libvirt_set_state,
	.jobs = libvirt_jobs, .cancel = libvirt_cancel, .close = libvirt_close,
};

void backend_libraries (GString *out)
{
	unsigned long version = 0;

	virGetVersion (&version, NULL, NULL);
	g_string_append (out, "libvirt ");
	show_version (out, version);
	g_string_append_printf (out, "\nlibnbd %s\n", nbd_library ());
}

int backend_open (const struct setup *setup, struct backend **be, struct fault *f)
{
	struct libvirt *lv;
	int r;

	if (g_file_test (setup->source, G_FILE_TEST_IS_DIR))
		return fault (f, EOPNOTSUPP, "a directory stands for QEMU without libvirt, which comes with a later version");
	lv = g_new0 (struct libvirt, 1);
	lv->backend = (struct backend) { .ops = &libvirt_ops, .setup = setup };
	pthread_mutex_init (&lv->lock, NULL);
	pthread_cond_init (&lv->woken, NULL);
	r = libvirt_reach (lv, f);
	if (r < 0)
		return r;
	if (g_strv_contains (with_snapshots, libvirt_hypervisor (lv).driver))
		lv->backend.moments[SNAPSHOT] = &libvirt_snapshots;
	if (libvirt_hypervisor (lv).backups || strcmp (libvirt_hypervisor (lv).driver, "TEST") == 0)
		lv->backend.moments[CHECKPOINT] = &libvirt_checkpoints;
	libvirt_snapshot_images_begin (lv);
	libvirt_backups_begin (lv);
	*be = &lv->backend;
	return 0;
}
