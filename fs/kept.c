/* kept.c - what the backend answered, asked for once and kept for a while
 *
 * ls -l of a directory asks for each name in it, often from many threads.  They
 * all wait for one call, whose answer is kept with it.  What changed while
 * somebody asked is answered, but not kept. */

#include <errno.h>
#include <string.h>

#include "errors.h"
#include "kept.h"
#include "within.h"

typedef int ask_fn (const struct place *, struct listing *, struct fault *);

struct asked {
	struct call call;
	char *key;              /* "", or one that begins with "domain/" */
	struct place at;
	ask_fn *ask;            /* for the listing, or */
	text_fn *show;          /* for the text */
	struct listing *listing;
	GString *text;
	gint64 until;           /* 0: it failed */
};

enum { FEW = 256 };             /* answers that nobody looks for stale ones among */

double kept_for = 1.0;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *asked_for;   /* key -> asked */
static guint many = FEW;        /* so many of them, and what is stale is let go */
static GHashTable *told;        /* a set of what is not shown */

static int ask_domains (const struct place *at, struct listing *out, struct fault *f)
{
	return at->backend->ops->domains (at->backend, out, f);
}

static int ask_domain_disks (const struct place *at, struct listing *out, struct fault *f)
{
	return at->backend->ops->disks (at->backend, DOMAIN (at), out, f);
}

static int ask_moments (const struct place *at, struct listing *out, struct fault *f)
{
	return place_verbs (at)->list (at->backend, DOMAIN (at), out, f);
}

static int ask_disks (const struct place *at, struct listing *out, struct fault *f)
{
	return place_verbs (at)->disks (at->backend, DOMAIN (at), MOMENT (at), out, f);
}

/* What is too long for a path is not shown; the first time somebody is told. */
static bool is_told (const struct asked *asked, const char *name)
{
	LOCKED (&lock);

	if (!told)
		told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
	return !g_hash_table_add (told, g_strconcat (asked->key, "/", name, NULL));
}

static void leave_out (const struct asked *asked, struct listing *listing)
{
	struct place at = asked->at;
	struct fault f;

	if (!*asked->key)               /* in no domain */
		at.depth = 0;
	for (guint i = listing->entries->len; i-- > 0;) {
		const struct entry *entry = listing->entries->pdata[i];

		if (strlen (entry->name) <= NAME_MAX)
			continue;
		fault (&f, ENAMETOOLONG, "its name is too long to be shown");
		if (!is_told (asked, entry->name))
			errors_add (&at, "list", entry->name, &f);
		g_hash_table_remove (listing->by_name, entry->name);
		g_ptr_array_remove_index (listing->entries, i);
	}
}

static int run (struct call *call, struct fault *f)
{
	struct asked *asked = (struct asked *) call;
	int r = asked->show ? asked->show (&asked->at, asked->text, f) : asked->ask (&asked->at, asked->listing, f);

	leave_out (asked, asked->listing);
	asked->until = r < 0 ? 0 : g_get_monotonic_time () + kept_for * G_USEC_PER_SEC;
	return r;
}

static void asked_free (struct call *call)
{
	struct asked *asked = (struct asked *) call;

	listing_unref (asked->listing);
	g_string_free (asked->text, TRUE);
	g_free (asked->key);
	g_free (asked);
}

static const struct call_ops asking = { .run = run, .free = asked_free };

static void forget (void *asked)
{
	call_unref (asked);
}

static bool is_stale (struct asked *asked)
{
	return call_is_over (&asked->call) && g_get_monotonic_time () >= asked->until;
}

static gboolean is_to_go (void *key, void *asked, void *unused)
{
	(void) key;
	(void) unused;
	return is_stale (asked);
}

/* Called under the lock. */
static struct asked *asked_new (const struct place *at, const char *key, ask_fn *ask, text_fn *show)
{
	struct asked *asked = g_new (struct asked, 1);

	*asked = (struct asked) { .key = g_strdup (key), .at = *at, .ask = ask, .show = show,
				  .listing = listing_new (), .text = g_string_new (NULL) };
	call_init (&asked->call, &asking, *key ? DOMAIN (at) : "");
	g_hash_table_replace (asked_for, asked->key, asked);
	if (g_hash_table_size (asked_for) > many) {
		g_hash_table_foreach_remove (asked_for, is_to_go, NULL);
		many = MAX (FEW, 2 * g_hash_table_size (asked_for));
	}
	return asked;
}

/* The call whose answer is, or will be, what is kept under KEY. */
static struct asked *take (const struct place *at, const char *key, ask_fn *ask, text_fn *show)
{
	LOCKED (&lock);
	struct asked *asked;

	if (!asked_for)
		asked_for = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, forget);
	asked = g_hash_table_lookup (asked_for, key);
	if (!asked || is_stale (asked))
		asked = asked_new (at, key, ask, show);
	call_ref (&asked->call);
	return asked;
}

static int kept (const struct place *at, const char *key, ask_fn *ask, struct listing **out, struct fault *f)
{
	struct asked *asked = take (at, key, ask, NULL);
	int r = within (&asked->call, f);

	if (r == 0)
		*out = listing_ref (asked->listing);
	call_unref (&asked->call);
	return r;
}

int kept_domains (const struct place *at, struct listing **out, struct fault *f)
{
	return kept (at, "", ask_domains, out, f);
}

int kept_moments (const struct place *at, enum moment kind, struct listing **out, struct fault *f)
{
	g_autofree char *key = g_strdup_printf ("%s/%d", DOMAIN (at), kind);
	struct place of = *at;

	of.kind = kind;
	return kept (&of, key, ask_moments, out, f);
}

int kept_can (const struct place *at, enum moment kind, struct fault *f)
{
	const struct entry *entry;
	LISTING all = NULL;

	if (!at->backend->moments[kind])
		return 0;
	if (kept_domains (at, &all, f) < 0)
		return -f->err;
	entry = listing_find (all, DOMAIN (at));
	return entry && entry->can & CAN (kind);
}

const struct entry *kept_entry (const struct place *at, struct listing **all, struct fault *f)
{
	const struct entry *entry;
	const char *name = at->depth > 1 ? MOMENT (at) : DOMAIN (at);

	if ((at->depth > 1 ? kept_moments (at, at->kind, all, f) : kept_domains (at, all, f)) < 0)
		return NULL;
	entry = listing_find (*all, name);
	if (!entry)
		fault (f, ENOENT, "%s is gone", name);
	return entry;
}

int kept_ended (const struct place *at, char **why, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = kept_entry (at, &all, f);

	if (!entry)
		return -f->err;
	if (at->kind != BACKUP || !entry->state)
		return 0;
	if (why)
		*why = g_strdup (entry->state);
	return 1;
}

int kept_check (const struct place *at, struct fault *f)
{
	g_autofree char *why = NULL;
	int r = kept_ended (at, &why, f);

	return r > 0 ? fault (f, EIO, "%s has ended: %s", MOMENT (at), why) : r;
}

int kept_born (const struct place *at, int64_t *born, struct fault *f)
{
	LISTING all = NULL;
	const struct entry *entry = at->depth > 0 ? kept_entry (at, &all, f) : NULL;

	*born = entry ? entry->born : 0;
	return entry || at->depth == 0 ? 0 : -f->err;
}

/* What is kept of a moment is of no other of that name. */
static int kept_of (const struct place *at, const char *what, ask_fn *ask, struct listing **out, struct fault *f)
{
	g_autofree char *key = NULL;
	int64_t born;

	if (kept_born (at, &born, f) < 0)
		return -f->err;
	key = g_strdup_printf ("%s/%d/%s/%" G_GINT64_FORMAT "/%s", DOMAIN (at), at->kind, MOMENT (at), born, what);
	return kept (at, key, ask, out, f);
}

int kept_disks (const struct place *at, struct listing **out, struct fault *f)
{
	g_autofree char *key = g_strdup_printf ("%s/disks", DOMAIN (at));

	return at->depth == 1 ? kept (at, key, ask_domain_disks, out, f) : kept_of (at, "disks", ask_disks, out, f);
}

int kept_text (const struct place *at, text_fn *show, GString *out, struct fault *f)
{
	g_autofree char *key = NULL;
	struct asked *asked;
	int64_t born;
	int r = kept_born (at, &born, f);

	if (r < 0)
		return r;
	key = g_strdup_printf ("%s/=%" G_GINT64_MODIFIER "x/%" G_GINT64_FORMAT, DOMAIN (at), (gint64) place_number (at), born);
	asked = take (at, key, NULL, show);
	r = within (&asked->call, f);
	if (r == 0)
		g_string_append_len (out, asked->text->str, asked->text->len);
	call_unref (&asked->call);
	return r;
}

static gboolean is_of (void *key, void *asked, void *domain)
{
	size_t len = domain ? strlen (domain) : 0;
	const char *k = key;

	(void) asked;
	return !*k || (domain && strncmp (k, domain, len) == 0 && k[len] == '/');
}

void kept_forget (const char *domain)
{
	LOCKED (&lock);

	if (asked_for)
		g_hash_table_foreach_remove (asked_for, is_of, (void *) domain);
}
