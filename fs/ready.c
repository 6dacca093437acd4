/* ready.c - telling that the mount is there, and that it has ended
 *
 * A supervisor that wants to know, as systemd does of Type=notify, has given us the
 * address of its socket: a path, or after "@" a name that is no file. */

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ready.h"

static void tell (const char *text)
{
	const char *path = getenv ("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen (path) : 0;
	int fd;

	if (len == 0 || len >= sizeof to.sun_path)
		return;
	memcpy (to.sun_path, path, len);
	if (*path == '@')
		*to.sun_path = '\0';
	fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto (fd, text, strlen (text), MSG_NOSIGNAL, (struct sockaddr *) &to, offsetof (struct sockaddr_un, sun_path) + len);
	close (fd);
}

int ready_begin (const char *pid_file, struct fault *f)
{
	g_autofree char *pid = g_strdup_printf ("%d\n", (int) getpid ());
	g_autofree char *text = g_strdup_printf ("READY=1\nMAINPID=%d", (int) getpid ());
	g_autoptr (GError) error = NULL;

	if (pid_file && !g_file_set_contents_full (pid_file, pid, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error))
		return fault (f, EIO, "%s", error->message);
	tell (text);
	return 0;
}

void ready_stop (void)
{
	tell ("STOPPING=1");
}

void ready_end (const char *pid_file)
{
	if (pid_file)
		g_unlink (pid_file);
}
