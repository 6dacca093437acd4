/* about.c - what the mount says of itself */

#include "about.h"

static const char page[] =
	"Virtual machines as directories: mkdir makes a moment, rmdir ends it, mv goes\n"
	"back to it, cat and cp read it.  Besides, who writes to a file that can be\n"
	"written changes what that says.  Nothing else changes anything.\n"
	"\n"
	"    mkdir vm/snapshots/clean             take a snapshot\n"
	"    mv vm/snapshots/clean vm/current/    go back to it\n"
	"    rmdir vm/snapshots/clean             delete it; what came after it stays\n"
	"    mkdir vm/backups/full..mon           begin a full backup; its point in time is now\n"
	"    mkdir vm/backups/mon..tue            or one of what changed since mon\n"
	"    cp vm/backups/mon..tue/* /srv/vm/    copy its disks and its definition\n"
	"    rmdir vm/backups/mon..tue            end it\n"
	"    echo paused > vm/state               or running, shutoff, destroyed, reset\n"
	"    cat vm/error                         why the last thing failed\n"
	"    cat vm/job; echo cancel > vm/job     what runs now; stop it\n"
	"\n"
	"A copy is whole if cp said so, and has its name only then, where one does so:\n"
	"\n"
	"    for f in vm/backups/mon..tue/*; do\n"
	"        cp $f /srv/vm/.new && mv -f /srv/vm/.new /srv/vm/${f##*/} || break\n"
	"    done\n"
	"\n"
	"To restore, put the last image of each disk where domain.xml says, in the format\n"
	"that it says there; it brings along what it rests on.  nvram is of UEFI guests:\n"
	"\n"
	"    cd /srv/vm\n"
	"    for f in *.qcow2; do qemu-img check $f || echo $f is broken; done\n"
	"    grep -E '<(driver|source file|nvram)' domain.xml\n"
	"    qemu-img convert -O qcow2 vda.tue.qcow2 /images/vm.qcow2\n"
	"    qemu-img convert -O raw vdb.tue.qcow2 /images/data.raw\n"
	"    install -m 600 nvram /images/vm_VARS.fd\n"
	"    virsh define domain.xml && virsh start vm\n"
	"\n"
	"A domain that is off cannot be started while there is a backup of it: that\n"
	"holds its images, and rmdir lets them go.\n"
	"\n"
	"What the next mkdir, rmdir and mv of a domain use stands in its options/; an\n"
	"empty line restores the default.  What was refused as risky is let through once\n"
	"by its name in options/force.\n"
	"\n";

/* The picture is the table itself. */
static void draw (const struct row *row, GString *out)
{
	for (; row->name; row++)
		g_string_append_printf (out, "%s%s\n", row->name, S_ISDIR (row->mode) && !row_is_root (row) ? "/" : "");
}

int about_readme (const struct place *at, GString *out, struct fault *f)
{
	g_autoptr (GString) version = g_string_new (NULL), lacks = g_string_new (NULL);

	(void) f;
	at->backend->ops->about (at->backend, version, lacks);
	g_string_append (out, page);
	draw (row_above (row_above (at->row)), out);
	if (lacks->len > 0)
		g_string_append_printf (out, "\nNot here:\n%s", lacks->str);
	return 0;
}

int about_version (const struct place *at, GString *out, struct fault *f)
{
	g_autoptr (GString) lacks = g_string_new (NULL);

	(void) f;
	g_string_append (out, "domfs " DOMFS_VERSION "\n");
	at->backend->ops->about (at->backend, out, lacks);
	return 0;
}

int about_source (const struct place *at, GString *out, struct fault *f)
{
	(void) f;
	g_string_append_printf (out, "%s\n", at->backend->setup->shown);
	return 0;
}
