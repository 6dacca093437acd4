/* libvirt-backup-socket.c - where QEMU may bind a socket and we may connect
 *
 * libvirt gives each running domain a directory of its own, which QEMU's user and
 * every security driver let QEMU use.  Where that cannot be found, or another is
 * asked for, we make one and give it to QEMU's user. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "libvirt-backup-stopped.h"
#include "libvirt-xml.h"

/* Where a libvirt of that URI keeps the directories of domains, or NULL. */
static char *above_domains (virDomainPtr dom)
{
	g_autofree char *uri = virConnectGetURI (virDomainGetConnect (dom));
	g_autoptr (GUri) parsed = uri ? g_uri_parse (uri, G_URI_FLAGS_NONE, NULL) : NULL;
	const char *path = parsed ? g_uri_get_path (parsed) : "", *query = parsed ? g_uri_get_query (parsed) : NULL;
	g_autoptr (GHashTable) words = NULL;

	if (strcmp (path, "/system") == 0)
		return g_strdup ("/var/lib/libvirt/qemu");
	if (strcmp (path, "/session") == 0)
		return g_build_filename (g_get_user_config_dir (), "libvirt", "qemu", "lib", NULL);
	words = query ? g_uri_parse_params (query, -1, "&;", G_URI_PARAMS_NONE, NULL) : NULL;
	if (strcmp (path, "/embed") == 0 && words && g_hash_table_lookup (words, "root"))
		return g_build_filename (g_hash_table_lookup (words, "root"), "lib", "qemu", NULL);
	return NULL;
}

/* The domain's own: "domain-4-" and some of its name. */
static char *domain_directory (virDomainPtr dom)
{
	g_autofree char *above = above_domains (dom), *prefix = g_strdup_printf ("domain-%u-", virDomainGetID (dom));
	g_autoptr (GDir) dir = above ? g_dir_open (above, 0, NULL) : NULL;
	const char *name;

	while (dir && (name = g_dir_read_name (dir)))
		if (g_str_has_prefix (name, prefix))
			return g_build_filename (above, name, NULL);
	return NULL;
}

/* The user and group that QEMU runs as, "+64055:+64055"; false: as we do. */
static bool user_of (const char *xml, uid_t *uid, gid_t *gid)
{
	g_autofree char *label = libvirt_xml_text (xml, "seclabel[@model='dac']/label");

	return label && sscanf (label, "+%u:+%u", uid, gid) == 2;
}

char *backup_socket_run (const struct setup *setup)
{
	if (setup->run)
		return g_strdup (setup->run);
	return geteuid () == 0 ? g_strdup ("/run/domfs") : g_build_filename (g_get_user_runtime_dir (), "domfs", NULL);
}

static char *own_directory (const struct setup *setup)
{
	g_autofree char *above = backup_socket_run (setup);

	return g_strdup_printf ("%s/%08x", above, g_random_int ());
}

int backup_socket_place (struct libvirt *lv, virDomainPtr dom, char **socket, char **directory, struct fault *f)
{
	g_autofree char *base = g_strdup_printf ("domfs-%08x", g_random_int ());
	g_autofree char *given = lv->backend.setup->run ? NULL : domain_directory (dom);

	if (!given || access (given, X_OK) < 0)
		*directory = own_directory (lv->backend.setup);
	*socket = g_build_filename (*directory ? *directory : given, base, NULL);
	if (strlen (*socket) >= sizeof ((struct sockaddr_un *) NULL)->sun_path)
		return fault (f, ENAMETOOLONG, "%s is too long for a socket: name another directory by -o run=", *socket);
	return 0;
}

int backup_socket_make (const char *directory, const char *xml, struct fault *f)
{
	g_autofree char *above = g_path_get_dirname (directory);
	uid_t uid;
	gid_t gid;

	if (g_mkdir_with_parents (above, 0711) < 0 || mkdir (directory, 0700) < 0)
		return fault (f, errno, "cannot make %s: %s", directory, g_strerror (errno));
	if (user_of (xml, &uid, &gid) && uid != geteuid () && chown (directory, uid, gid) < 0)
		return fault (f, errno, "cannot give %s to the user %u, as which QEMU runs", directory, (unsigned) uid);
	return 0;
}

void backup_socket_remove (const char *socket, const char *directory)
{
	struct fault ignored;
	struct stat st;

	if (socket && backup_is_stopped (socket))
		backup_stopped_end (socket, &ignored);
	if (socket && lstat (socket, &st) == 0 && S_ISSOCK (st.st_mode))
		unlink (socket);
	if (directory)
		rmdir (directory);
}
