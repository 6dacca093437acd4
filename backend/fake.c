/* fake.c - a hypervisor made of nothing: its domains */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake-record.h"

static void count (const char *call, const char *domain)
{
	const char *path = getenv ("FAKE_CALLS");
	int fd = path ? open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf (fd, "%s %s\n", call, domain);
	close (fd);
}

bool fake_hangs (const char *domain)
{
	const char *path = getenv ("FAKE_HANG");
	g_autofree char *text = NULL;

	return path && g_file_get_contents (path, &text, NULL, NULL) && strcmp (g_strchomp (text), domain) == 0;
}

static int reach (const char *call, const char *domain, struct fault *f)
{
	const char *gone = getenv ("FAKE_GONE");

	count (call, domain);
	if (gone && access (gone, F_OK) == 0)
		return fault (f, ENOTCONN, "the hypervisor cannot be reached");
	return 0;
}

struct guest *fake_guest (struct fake *fake, const char *call, const char *domain, struct fault *f)
{
	g_autofree char *name = name_decode (domain);
	struct guest *guest = g_hash_table_lookup (fake->by_name, name);

	while (fake_hangs (domain)) {
		pthread_mutex_unlock (&fake->lock);
		g_usleep (10000);
		pthread_mutex_lock (&fake->lock);
	}
	if (reach (call, domain, f) < 0)
		return NULL;
	if (!guest)
		fault (f, ENOENT, "no domain %s", domain);
	return guest;
}

static int domains (struct backend *be, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	if (reach ("domains", "", f) < 0)
		return -f->err;
	for (guint i = 0; i < fake->guests->len; i++) {
		const struct guest *guest = fake->guests->pdata[i];
		g_autofree char *name = name_encode (guest->name);
		struct entry *entry = listing_add (out, entry_new (name));

		entry->state = g_strdup (guest->state);
		entry->can = guest->can;
	}
	return 0;
}

static int xml (struct backend *be, const char *domain, GString *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	if (!fake_guest (fake, "xml", domain, f))
		return -f->err;
	g_string_append_printf (out, "<domain type='fake'>\n  <name>%s</name>\n</domain>\n", domain);
	return 0;
}

static int set_state (struct backend *be, const char *domain, const char *state, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	struct guest *guest = fake_guest (fake, "set_state", domain, f);

	if (!guest)
		return -f->err;
	if (strcmp (state, "destroyed") == 0)
		fake_end (fake, guest, NULL, "the guest was turned off");
	g_free (guest->state);
	guest->state = g_strdup (strcmp (state, "destroyed") == 0 ? "shutoff"
				 : strcmp (state, "reset") == 0 ? "running" : state);
	return 0;
}

static int disks (struct backend *be, const char *domain, struct listing *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	if (!fake_guest (fake, "disks", domain, f))
		return -f->err;
	fake_disks (out);
	return 0;
}

static void add_job (GArray *jobs, const char *operation, const char *name, time_t began)
{
	struct job job = { .began = began };

	g_strlcpy (job.operation, operation, sizeof job.operation);
	g_strlcpy (job.name, name, sizeof job.name);
	g_snprintf (job.owner, sizeof job.owner, "domfs, pid %d", (int) getpid ());
	g_array_append_val (jobs, job);
}

/* What somebody waits for, and the backups that are being served. */
static int jobs (struct backend *be, const char *domain, bool measure, GArray *out, struct fault *f)
{
	struct fake *fake = fake_of (be);

	(void) measure;
	LOCKED (&fake->lock);
	const struct guest *guest = fake_guest (fake, "jobs", domain, f);

	if (guest && *guest->job.operation)
		g_array_append_val (out, guest->job);
	for (guint i = 0; guest && i < guest->moments[BACKUP]->len; i++) {
		const struct entry *backup = guest->moments[BACKUP]->pdata[i];

		if (!backup->state)
			add_job (out, "backup", backup->name, backup->born / 1000000000);
	}
	return guest ? 0 : -f->err;
}

static int cancel (struct backend *be, const char *domain, const char *name, struct fault *f)
{
	struct fake *fake = fake_of (be);

	LOCKED (&fake->lock);
	struct guest *guest = fake_guest (fake, "cancel", domain, f);

	if (!guest)
		return -f->err;
	if (*guest->job.operation && strcmp (guest->job.name, name) == 0 && !strstr (name, "deaf"))
		guest->cancelled = true;
	else if (!fake_end (fake, guest, name, "cancelled"))
		return fault (f, EOPNOTSUPP, "%s cannot be cancelled", name);
	return 0;
}

static void about (struct backend *be, GString *version, GString *lacks)
{
	(void) be;
	(void) lacks;
	g_string_append (version, "nothing at all\n");
}

static void guest_free (void *ptr)
{
	struct guest *guest = ptr;

	for (enum moment kind = SNAPSHOT; kind < N_MOMENTS; kind++)
		g_ptr_array_unref (guest->moments[kind]);
	g_hash_table_unref (guest->records);
	g_free (guest->name);
	g_free (guest->state);
	g_free (guest);
}

static void fake_close (struct backend *be)
{
	struct fake *fake = fake_of (be);

	fake_other_end (fake);
	g_hash_table_unref (fake->by_name);
	g_ptr_array_unref (fake->guests);
	g_ptr_array_unref (fake->open);
	g_free (fake);
}

static const struct backend_ops fake_ops = {
	.name = "fake", .about = about, .domains = domains, .xml = xml, .disks = disks, .sizes = disks, .set_state = set_state,
	.jobs = jobs, .cancel = cancel, .close = fake_close,
};

static void leave (void *record)
{
	record_leave (record);
}

static struct guest *add_guest (struct fake *fake, char *name)
{
	struct guest *guest = g_new0 (struct guest, 1);

	guest->name = name;
	guest->state = g_strdup ("running");
	guest->can = ~0u;
	for (enum moment kind = SNAPSHOT; kind < N_MOMENTS; kind++)
		guest->moments[kind] = g_ptr_array_new_with_free_func (entry_free);
	guest->records = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, leave);
	fake_record_load (guest);
	g_ptr_array_add (fake->guests, guest);
	g_hash_table_insert (fake->by_name, guest->name, guest);
	return guest;
}

void backend_libraries (GString *out)
{
	(void) out;
}

int backend_open (const struct setup *setup, struct backend **be, struct fault *f)
{
	const char *n = getenv ("FAKE_DOMAINS"), *name = getenv ("FAKE_NAME");
	struct fake *fake;

	while (fake_hangs (setup->source))
		g_usleep (10000);
	if (reach ("open", setup->source, f) < 0)
		return -f->err;
	fake = g_new0 (struct fake, 1);
	fake->backend = (struct backend) { &fake_ops, { [SNAPSHOT] = &fake_snapshots, [CHECKPOINT] = &fake_checkpoints, [BACKUP] = &fake_backups }, setup };
	pthread_mutex_init (&fake->lock, NULL);
	fake->guests = g_ptr_array_new_with_free_func (guest_free);
	fake->by_name = g_hash_table_new (g_str_hash, g_str_equal);
	fake->open = g_ptr_array_new ();
	add_guest (fake, g_strdup ("alpha"));
	add_guest (fake, g_strdup ("beta"))->can = ~(CAN (CHECKPOINT) | CAN (BACKUP));
	for (int i = 2; i < (n ? atoi (n) : 0); i++)
		add_guest (fake, g_strdup_printf ("vm%05d", i));
	if (name)
		add_guest (fake, g_strdup (name));
	fake_other_begin (fake);
	*be = &fake->backend;
	return 0;
}
