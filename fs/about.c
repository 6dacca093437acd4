/* about.c - what the mount says of itself */

#include "about.h"

static const char page[] =
	"Virtual machines as directories: mkdir makes a moment, rmdir ends it, mv goes\n"
	"back to it, cat and cp read it.  Nothing else changes anything.\n"
	"\n"
	"    mkdir vm/snapshots/clean             take a snapshot\n"
	"    mv vm/snapshots/clean vm/current/    go back to it\n"
	"    mkdir vm/backups/monday              begin a full backup\n"
	"    cp vm/backups/monday/* /srv/vm/      copy its disks\n"
	"    rmdir vm/backups/monday              end it\n"
	"    cat vm/error                         why the last thing failed\n"
	"\n";

/* The picture is the table itself. */
int about_readme (const struct place *at, GString *out, struct fault *f)
{
	const struct row *row = row_above (row_above (at->row));

	(void) f;
	g_string_append (out, page);
	for (; row->name; row++)
		g_string_append_printf (out, "%s%s\n", row->name, S_ISDIR (row->mode) && !row_is_root (row) ? "/" : "");
	return 0;
}

int about_version (const struct place *at, GString *out, struct fault *f)
{
	(void) f;
	g_string_append_printf (out, "domfs %s, %s backend\n", DOMFS_VERSION, at->backend->ops->name);
	return 0;
}

int about_source (const struct place *at, GString *out, struct fault *f)
{
	(void) f;
	g_string_append_printf (out, "%s\n", at->backend->setup->source);
	return 0;
}
