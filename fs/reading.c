/* reading.c - the images that somebody reads
 *
 * A reader keeps its moment from being removed, renamed or reverted to: the
 * bytes that come after the end of a backup are of another time.  It counts from
 * before the backend is asked to open until the kernel's release, which comes
 * after close() has returned: so a rmdir waits for it a little. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coverage.h"
#include "kept.h"
#include "reading.h"
#include "within.h"

enum { PATIENCE = 2 };          /* seconds until a release must have come */

/* The call that opens an image, which lives as long as it is read. */
struct opening {
	struct call call;
	struct place at;
	struct image *image;
	struct coverage *coverage;      /* of a backup's, until its source has one */
};

/* A file of a moment that was, or is, read. */
struct source {
	char *key;              /* see key_of() */
	char *file;
	struct opening *opening;
	GPtrArray *readers;     /* of struct reading */
	struct coverage *coverage;      /* NULL: nobody has read it, or none is needed */
	bool gone;              /* with its moment */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* guards all of the below */
static pthread_cond_t closed = PTHREAD_COND_INITIALIZER;
static GHashTable *sources;     /* key -> source */
static GHashTable *barred;      /* a set of the keys of moments */

static void init (void)
{
	if (sources)
		return;
	sources = g_hash_table_new (g_str_hash, g_str_equal);
	barred = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* The moment AT is in, of which another of that name has another key; a twin has
 * the same. */
static char *moment_key (const struct place *at)
{
	struct fault ignored;
	int64_t born;

	kept_born (at, &born, &ignored);
	return g_strdup_printf ("%d/%s/%s/%" G_GINT64_FORMAT "/", at->kind, DOMAIN (at), MOMENT (at), born);
}

static char *key_of (const struct place *at)
{
	g_autofree char *moment = moment_key (at);

	return g_strconcat (moment, at->depth > 2 ? LAST (at) : "", NULL);
}

static int run (struct call *call, struct fault *f)
{
	struct opening *opening = (struct opening *) call;
	int r = opening->at.row->open (&opening->at, &opening->image, f);

	if (r < 0 || opening->at.kind != BACKUP)
		return r;
	opening->coverage = coverage_new (opening->image->size);
	return coverage_spare (opening->coverage, opening->image, f);
}

static void opening_free (struct call *call)
{
	struct opening *opening = (struct opening *) call;

	image_unref (opening->image);
	coverage_free (opening->coverage);
	g_free (opening);
}

static const struct call_ops opens = { .run = run, .free = opening_free };

static struct opening *opening_new (const struct place *at)
{
	struct opening *opening = g_new (struct opening, 1);

	*opening = (struct opening) { .at = *at };
	call_init (&opening->call, &opens, DOMAIN (at));
	return opening;
}

static struct source *source_of (const struct place *at, const char *key)
{
	struct source *source = g_hash_table_lookup (sources, key);

	if (source)
		return source;
	source = g_new (struct source, 1);
	*source = (struct source) { .key = g_strdup (key), .readers = g_ptr_array_new (),
				    .file = g_strdup (at->depth > 2 ? LAST (at) : row_label (at->row)) };
	g_hash_table_insert (sources, source->key, source);
	return source;
}

static void source_free (struct source *source)
{
	g_ptr_array_unref (source->readers);
	coverage_free (source->coverage);
	g_free (source->file);
	g_free (source->key);
	g_free (source);
}

/* One more reader of AT, before it is open: EBUSY if its moment is about to go. */
static int join (const struct place *at, struct reading *reading, struct opening **opening, struct fault *f)
{
	g_autofree char *moment = moment_key (at), *key = key_of (at);

	LOCKED (&lock);
	init ();
	if (g_hash_table_contains (barred, moment))
		return fault (f, EBUSY, "%s is about to go", MOMENT (at));
	reading->source = source_of (at, key);
	g_ptr_array_add (reading->source->readers, reading);
	if (!reading->source->opening)
		reading->source->opening = opening_new (at);
	*opening = reading->source->opening;
	call_ref (&(*opening)->call);
	return 0;
}

static void enter (struct reading *reading, struct opening *opening)
{
	LOCKED (&lock);

	reading->image = image_ref (opening->image);
	if (!reading->source->coverage)
		reading->source->coverage = g_steal_pointer (&opening->coverage);
}

static struct opening *leave (struct reading *reading)
{
	LOCKED (&lock);
	struct source *source = reading->source;
	struct opening *opening;

	g_ptr_array_remove_fast (source->readers, reading);
	pthread_cond_broadcast (&closed);
	if (source->readers->len > 0)
		return NULL;
	opening = g_steal_pointer (&source->opening);
	if (source->gone)
		source_free (source);
	return opening;
}

void reading_close (struct reading *reading)
{
	struct opening *opening = reading->source ? leave (reading) : NULL;

	image_unref (reading->image);
	if (opening)
		call_unref (&opening->call);
	g_free (reading);
}

int reading_open (const struct place *at, pid_t pid, struct reading **out, struct fault *f)
{
	struct reading *reading = g_new (struct reading, 1);
	struct opening *opening = NULL;
	int r;

	*reading = (struct reading) { .pid = pid };
	r = join (at, reading, &opening, f);
	if (r == 0)
		r = within (&opening->call, f);
	if (r == 0)
		enter (*out = reading, opening);
	else
		reading_close (reading);
	if (opening)
		call_unref (&opening->call);
	return r;
}

void reading_answered (const struct reading *reading, uint64_t at, uint64_t len)
{
	if (reading->source->coverage)
		coverage_add (reading->source->coverage, at, len);
}

uint64_t reading_lacks (const struct reading *reading)
{
	return reading->source->coverage ? coverage_lacks (reading->source->coverage) : UINT64_MAX;
}

uint64_t reading_lacks_at (const struct place *file)
{
	g_autofree char *key = key_of (file);
	const struct source *source;

	LOCKED (&lock);
	init ();
	source = g_hash_table_lookup (sources, key);
	return source && source->coverage ? coverage_lacks (source->coverage) : UINT64_MAX;
}

/* Who still reads the moment of that key?  Called under the lock. */
static const struct reading *reader_of (const char *moment)
{
	GHashTableIter iter;
	struct source *source;

	g_hash_table_iter_init (&iter, sources);
	while (g_hash_table_iter_next (&iter, NULL, (void **) &source))
		if (source->readers->len > 0 && g_str_has_prefix (source->key, moment))
			return source->readers->pdata[0];
	return NULL;
}

/* A request has the id of a thread, and that of another namespace is 0. */
static int refuse_for (const struct reading *reading, struct fault *f)
{
	g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int) reading->pid), *text = NULL;
	char comm[16] = "";
	int pid = 0;

	if (reading->pid && g_file_get_contents (path, &text, NULL, NULL))
		sscanf (text, "Name: %15[^\n] Umask: %*s State: %*[^\n] Tgid: %d", comm, &pid);
	if (pid == 0)
		return fault (f, EBUSY, "%s is open", reading->source->file);
	return fault (f, EBUSY, "%s is open in %s, pid %d", reading->source->file, comm, pid);
}

int reading_bar (const struct place *at, const char *name, bool ended, char **bar, struct fault *f)
{
	struct place moment = *at;
	gint64 until = g_get_monotonic_time () + PATIENCE * G_USEC_PER_SEC;
	const struct reading *reader;
	g_autofree char *key = NULL;

	place_enter (&moment, name);
	key = moment_key (&moment);
	LOCKED (&lock);
	init ();
	while (!ended && (reader = reader_of (key)))
		if (!lock_wait (&closed, &lock, until))
			return refuse_for (reader, f);
	g_hash_table_add (barred, g_strdup (key));
	*bar = g_steal_pointer (&key);
	return 0;
}

/* Its last reader frees what is still read. */
static gboolean is_of (void *key, void *value, void *moment)
{
	struct source *source = value;

	if (!g_str_has_prefix (key, moment))
		return FALSE;
	source->gone = true;
	if (source->readers->len == 0)
		source_free (source);
	return TRUE;
}

void reading_unbar (char *bar, bool gone)
{
	LOCKED (&lock);

	g_hash_table_remove (barred, bar);
	if (gone)
		g_hash_table_foreach_steal (sources, is_of, bar);
	g_free (bar);
}
