/* fake-other.c - a hypervisor made of nothing: its other client
 *
 * Each line that comes through the pipe FAKE_OTHER is done behind our back:
 * "make alpha backups monday", "drop alpha snapshots a%2Fb", "cancel alpha backups monday". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static const char *const directory[N_MOMENTS] = { "", "snapshots", "checkpoints", "backups" };

static void act (struct backend *be, const char *verb, const char *domain, const char *where, const char *name)
{
	g_autofree char *real = name_decode (name), *shown = name_encode (real);
	struct wish wish = { .name = shown };
	enum moment kind = SNAPSHOT;
	struct fault f;

	while (kind < N_MOMENTS && strcmp (directory[kind], where) != 0)
		kind++;
	if (kind == N_MOMENTS)
		return;
	for (int i = 0; i < N_OPTIONS; i++)
		wish.option[i] = "";
	if (strcmp (verb, "make") == 0)
		be->moments[kind]->make (be, domain, &wish, &f);
	else if (strcmp (verb, "cancel") == 0)
		be->ops->cancel (be, domain, shown, &f);
	else
		be->moments[kind]->drop (be, domain, &wish, &f);
	if (!getenv ("FAKE_QUIET"))     /* not all that happens has an event */
		be->setup->changed (domain);
}

static void *listen (void *data)
{
	struct fake *fake = data;
	char verb[16], domain[64], where[16], name[400];

	while (fscanf (fake->other, "%15s %63s %15s %399s", verb, domain, where, name) == 4 && strcmp (verb, "end") != 0)
		act (&fake->backend, verb, domain, where, name);
	return NULL;
}

void fake_other_begin (struct fake *fake)
{
	const char *path = getenv ("FAKE_OTHER");

	fake->other = path ? fopen (path, "r+e") : NULL;        /* as a writer too, so that it never ends */
	if (fake->other)
		pthread_create (&fake->listener, NULL, listen, fake);
}

void fake_other_end (struct fake *fake)
{
	const char *path = getenv ("FAKE_OTHER");
	FILE *pipe = fake->other ? fopen (path, "r+e") : NULL;

	if (!pipe)
		return;
	fprintf (pipe, "end - - -\n");
	fclose (pipe);
	pthread_join (fake->listener, NULL);
	fclose (fake->other);
}
