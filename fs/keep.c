/* keep.c - does the checkpoint that a backup leaves outlive it?
 *
 * What the next backup since B brings is what changed after B, so B may stay only
 * if all of this backup is stored.  All that can be known is what was answered: B
 * stays if each disk was read whole, and until somebody reads the rest or decides,
 * rmdir refuses.  The backend is told at once, since the job may end without us. */

#include <errno.h>

#include "disk.h"
#include "keep.h"
#include "kept.h"
#include "text.h"
#include "within.h"
#include "words.h"

int keep_show (const struct place *at, GString *out, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);

	if (!backup)
		return -f->err;
	g_string_append (out, backup->kept ? "1\n" : "0\n");
	return 0;
}

static int tell (const struct place *at, bool keeps, bool complete, struct fault *f)
{
	int r = place_verbs (at)->settle (at->backend, DOMAIN (at), MOMENT (at), keeps, complete, f);

	kept_forget (DOMAIN (at));
	return r;
}

int keep_store (const struct place *at, const char *text, struct fault *f)
{
	const char *value = *text ? text_bool (text) : "0";
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);

	if (!value)
		return fault (f, EINVAL, "keep is 0 or 1");
	return backup ? tell (at, *value == '1', backup->complete, f) : -f->err;
}

int keep_settle (const struct place *at, struct fault *f)
{
	g_autofree char *file = NULL;
	char buf[NAME_MAX + 1];
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);
	struct wish wish;
	int r;

	words_read (BACKUP, MOMENT (at), buf, &wish);
	if (!backup)
		return -f->err;
	if (!wish.leaves || backup->pushed || backup->kept || backup->complete)
		return 0;
	r = disk_unread (at, &file, f);
	if (r == 0 && file)
		r = tell (at, false, false, f);         /* what is another mount's may have been read there */
	if (r < 0 || !file)
		return r;
	return fault (f, ENOTEMPTY, "%s was not read to its end: copy it, write 1 to keep, or cancel to job", file);
}

struct note {
	struct call call;
	struct place at;        /* of the backup */
};

/* Its backend knows it by now, or it is not complete yet. */
static int run (struct call *call, struct fault *f)
{
	const struct place *at = &((struct note *) call)->at;
	g_autofree char *file = NULL;
	char buf[NAME_MAX + 1];
	LISTING all = NULL;
	const struct entry *backup = kept_entry (at, &all, f);
	struct wish wish;

	words_read (BACKUP, MOMENT (at), buf, &wish);
	if (!backup || backup->state || backup->complete || !wish.leaves)
		return 0;
	if (disk_unread (at, &file, f) < 0 || file)
		return 0;
	return tell (at, backup->kept, true, f);
}

static void note_free (struct call *call)
{
	g_free (call);
}

static const struct call_ops notes = { .run = run, .free = note_free };

void keep_note (const struct place *file)
{
	struct note *note;

	if (file->kind != BACKUP || !place_verbs (file)->settle || file->backend->setup->read_only)
		return;
	note = g_new (struct note, 1);
	*note = (struct note) { .at = *file };
	place_climb (&note->at, 2);
	call_init (&note->call, &notes, DOMAIN (file));
	within_start (&note->call);
	call_unref (&note->call);
}
