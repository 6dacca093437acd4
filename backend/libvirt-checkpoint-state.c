/* libvirt-checkpoint-state.c - is a checkpoint of any use?
 *
 * libvirt lists bitmaps that are long gone.  Of a guest that runs it tells the bytes that
 * changed since where the bitmap is right, and nothing where it is not; it asks QEMU for
 * that, and would wait behind any job but a backup.  Of a guest that is off, the images
 * themselves are read. */

#include <errno.h>
#include <string.h>

#include "libvirt-checkpoint.h"
#include "libvirt-job.h"
#include "libvirt-work.h"

struct look {
	struct libvirt *lv;
	virDomainPtr dom;
	const char *bitmap;     /* as QEMU calls it */
	GPtrArray *disks;       /* of struct libvirt_disk: all that the domain has */
	bool images;            /* it is QEMU's driver */
	bool active, asked;
};

/* With sizes if libvirt can be asked for them now. */
static struct libvirt_checkpoint *read_said (struct look *look, virDomainCheckpointPtr checkpoint, struct fault *f)
{
	g_autofree char *domain = name_encode (virDomainGetName (look->dom));
	struct libvirt_checkpoint *said = NULL;

	if (look->active && look->images && libvirt_may_ask (look->lv, look->dom, domain) && turn_begin (domain)) {
		said = checkpoint_read (checkpoint, true, f);
		turn_end (domain);
	}
	look->asked = said != NULL;
	return said ? said : checkpoint_read (checkpoint, false, f);
}

/* Who could be asked and gave no size has none, or a broken one; so a guest's file tells what it lacks. */
static enum bitmap bitmap_of (const struct look *look, const struct libvirt_checkpoint_disk *marked)
{
	const struct libvirt_disk *disk = look->disks ? libvirt_disk_find (look->disks, marked->target) : NULL;
	bool reach = disk && disk->source && *disk->source == '/' && !libvirt_hypervisor (look->lv).remote;
	enum bitmap found;

	if (marked->sized)
		return BITMAP_OK;
	if (!look->images || (look->active && !look->asked))
		return BITMAP_UNKNOWN;
	if (!disk || strcmp (disk->format, "qcow2") != 0)
		return BITMAP_MISSING;
	found = reach ? qemu_bitmap (disk->source, look->bitmap) : BITMAP_UNKNOWN;
	if (!look->active)
		return found;
	return found == BITMAP_UNKNOWN ? BITMAP_MISSING : found == BITMAP_OK ? BITMAP_INCONSISTENT : found;
}

static void judge (const struct look *look, struct checkpoint_state *state)
{
	state->bitmaps = g_new (enum bitmap, state->said->disks->len);
	for (guint i = 0; i < state->said->disks->len; i++)
		state->bitmaps[i] = bitmap_of (look, state->said->disks->pdata[i]);
}

/* Only where bitmaps can be judged: libvirt 11 keeps whoever asks for it waiting while another client has a job. */
static int read_disks (struct look *look, struct fault *f)
{
	g_autofree char *definition = NULL;

	if (look->active && look->images && !look->asked)
		return 0;
	definition = virDomainGetXMLDesc (look->dom, 0);
	look->disks = definition ? libvirt_xml_disks (definition) : NULL;
	return look->disks ? 0 : libvirt_fault (f);
}

int checkpoint_state (struct libvirt *lv, virDomainPtr dom, const char *name, struct checkpoint_state *state,
		      struct fault *f)
{
	g_autoptr (virDomainCheckpoint) checkpoint = checkpoint_lookup (dom, name, f);
	g_autofree char *bitmap = name_decode (name);
	struct look look = { .lv = lv, .dom = dom, .bitmap = bitmap };
	int r;

	*state = (struct checkpoint_state) { NULL };
	if (!checkpoint)
		return -f->err;
	look.images = strcmp (libvirt_hypervisor (lv).driver, "QEMU") == 0;
	look.active = virDomainIsActive (dom) == 1;
	state->said = read_said (&look, checkpoint, f);
	r = state->said ? read_disks (&look, f) : -f->err;
	if (r == 0)
		judge (&look, state);
	g_clear_pointer (&look.disks, g_ptr_array_unref);
	return r;
}

void checkpoint_state_clear (struct checkpoint_state *state)
{
	libvirt_checkpoint_leave (&state->said);
	g_free (state->bitmaps);
}

/* Where TARGET is among the disks of a checkpoint, or -1. */
static int find (const struct checkpoint_state *state, const char *target)
{
	for (guint i = 0; i < state->said->disks->len; i++)
		if (strcmp (((struct libvirt_checkpoint_disk *) state->said->disks->pdata[i])->target, target) == 0)
			return i;
	return -1;
}

static char *why_full (const struct libvirt_disk *disk, bool known, const char *name)
{
	if (!libvirt_disk_is_written (disk))
		return g_strdup ("read-only");
	if (strcmp (disk->format, "qcow2") != 0)
		return g_strdup (disk->format);
	return known ? g_strdup_printf ("left out of %s", name) : g_strdup ("added since");
}

static int judge_bitmap (enum bitmap bitmap, const char *name, const char *target, struct fault *f)
{
	static const char *const words[] = { [BITMAP_MISSING] = "missing", [BITMAP_INCONSISTENT] = "inconsistent" };

	if (bitmap == BITMAP_OK)
		return 0;
	if (bitmap == BITMAP_UNKNOWN)
		return fault (f, EBUSY, "whether the bitmap %s of %s is right cannot be found out now: wait, or "
			      "see job", name, target);
	return fault (f, ENODATA, "the bitmap %s of %s is %s, so nobody knows what has changed since: begin anew "
		      "with full..", name, target, words[bitmap]);
}

/* How DISK counts, as checkpoint_since() says. */
static int count_from (const struct checkpoint_state *state, const struct libvirt_disk *disk, const char *name,
		       char **full, struct fault *f)
{
	int at = find (state, disk->target);
	const struct libvirt_checkpoint_disk *marked = at < 0 ? NULL : state->said->disks->pdata[at];

	*full = marked && marked->bitmap ? NULL : why_full (disk, marked != NULL, name);
	return *full ? 0 : judge_bitmap (state->bitmaps[at], name, disk->target, f);
}

static bool holds (const GPtrArray *layers, const struct libvirt_disk *disk)
{
	for (guint i = 0; disk && disk->source && i < layers->len; i++)
		if (strcmp (layers->pdata[i], disk->source) == 0)
			return true;
	return false;
}

/* A bitmap goes where its image goes.  What another disk had THEN is no continuation of what TARGET had. */
static int judge_layers (const GPtrArray *layers, const GPtrArray *then, const char *target, const char *name,
			 struct fault *f)
{
	if (holds (layers, libvirt_disk_find (then, target)))
		return 0;
	for (guint i = 0; i < then->len; i++) {
		const struct libvirt_disk *other = then->pdata[i];

		if (strcmp (other->target, target) != 0 && holds (layers, other))
			return fault (f, ENODATA, "%s has the image that %s had at %s, so nobody knows what has changed "
				      "since: begin anew with full..", target, other->target, name);
	}
	return 0;
}

static int judge_images (virDomainPtr dom, const char *name, const GPtrArray *chosen, char *const *full, struct fault *f)
{
	g_autoptr (virDomainCheckpoint) checkpoint = checkpoint_lookup (dom, name, f);
	g_autofree char *note = checkpoint ? virDomainCheckpointGetXMLDesc (checkpoint, 0) : NULL;
	g_autofree char *definition = note ? virDomainGetXMLDesc (dom, 0) : NULL;
	g_autoptr (GPtrArray) then = definition ? libvirt_xml_disks (note) : NULL;
	int r = definition ? 0 : checkpoint ? libvirt_fault (f) : -f->err;

	for (guint i = 0; r == 0 && i < chosen->len; i++) {
		const struct libvirt_disk *disk = chosen->pdata[i];
		g_autoptr (GPtrArray) layers = libvirt_xml_layers (definition, disk->target);

		if (!full[i])
			r = judge_layers (layers, then, disk->target, name, f);
	}
	return r;
}

int checkpoint_since (struct libvirt *lv, virDomainPtr dom, const char *name, const GPtrArray *chosen, char **full,
		      struct fault *f)
{
	struct checkpoint_state state;
	int r = checkpoint_state (lv, dom, name, &state, f);
	bool any = false;

	for (guint i = 0; i < chosen->len; i++)
		full[i] = NULL;
	for (guint i = 0; r == 0 && i < chosen->len; i++) {
		r = count_from (&state, chosen->pdata[i], name, &full[i], f);
		any |= !full[i];
	}
	checkpoint_state_clear (&state);
	if (r == 0)
		r = judge_images (dom, name, chosen, full, f);
	if (r == 0 && !any)
		r = fault (f, ENODATA, "no disk that is backed up has a bitmap of %s: begin anew with full..", name);
	for (guint i = 0; r < 0 && i < chosen->len; i++)
		g_clear_pointer (&full[i], g_free);
	return r;
}

/* What cannot be looked at is believed. */
int checkpoint_verify (struct libvirt *lv, virDomainPtr dom, const char *name, struct fault *f)
{
	struct checkpoint_state state;
	int r = checkpoint_state (lv, dom, name, &state, f);

	for (guint i = 0; r == 0 && i < state.said->disks->len; i++) {
		const struct libvirt_checkpoint_disk *disk = state.said->disks->pdata[i];

		if (disk->bitmap && (state.bitmaps[i] == BITMAP_MISSING || state.bitmaps[i] == BITMAP_INCONSISTENT))
			r = fault (f, EIO, "%s has got no bitmap %s", disk->target, name);
	}
	checkpoint_state_clear (&state);
	return r;
}
