/* server.c - a disk, and real NBD servers that offer it */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <glib.h>

#include "server.h"

static char dir[] = "/tmp/domfs-nbd-XXXXXX";
char *disk, *qcow2, *at;
int fd;
pid_t server;

static void run (const char *command)
{
	assert_int_equal (system (command), 0);
}

int server_make_disks (void **unused)
{
	static const struct { off_t at; size_t len; } data[] = {
		{ 0, 4096 }, { 3 * MIB, 300 * 4096 }, { 9 * MIB + 4096, 4096 }, { 40 * MIB, 40 * MIB },
	};
	g_autofree char *bytes = g_malloc (40 * MIB), *convert = NULL;
	uint64_t x = 88172645463325252;

	(void) unused;
	if (!mkdtemp (dir))
		return -1;
	disk = g_build_filename (dir, "disk", NULL);
	qcow2 = g_build_filename (dir, "disk.qcow2", NULL);
	at = g_build_filename (dir, "socket", NULL);
	for (size_t i = 0; i < 40 * MIB / sizeof x; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy (bytes + i * sizeof x, &x, sizeof x);
	}
	fd = open (disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal (ftruncate (fd, SIZE), 0);
	for (size_t i = 0; i < G_N_ELEMENTS (data); i++)
		assert_int_equal (pwrite (fd, bytes, data[i].len, data[i].at), data[i].len);
	convert = g_strdup_printf ("qemu-img convert -f raw -O qcow2 %s %s", disk, qcow2);
	run (convert);
	return 0;
}

int server_remove_disks (void **unused)
{
	g_autofree char *rm = g_strdup_printf ("rm -r %s", dir);

	(void) unused;
	close (fd);
	run (rm);
	g_free (disk);
	g_free (qcow2);
	g_free (at);
	return 0;
}

static bool answers (void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	g_strlcpy (to.sun_path, at, sizeof to.sun_path);
	r = connect (s, (struct sockaddr *) &to, sizeof to);
	close (s);
	return r == 0;
}

void server_start (const char *words)
{
	g_auto (GStrv) argv = g_strsplit (words, " ", -1);

	for (char **word = argv; *word; word++)
		if (strcmp (*word, "@") == 0 || strcmp (*word, "#") == 0) {
			const char *path = **word == '@' ? at : disk;

			g_free (*word);
			*word = g_strdup (path);
		}
	unlink (at);
	server = fork ();
	if (server == 0) {
		dup2 (open ("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO); /* each error is told there */
		execvp (argv[0], argv);
		_exit (127);
	}
	for (int i = 0; i < 1000 && !answers (); i++)
		g_usleep (10000);
	assert_true (answers ());
}

int server_stop (void **unused)
{
	(void) unused;
	if (server > 0) {
		kill (server, SIGKILL);
		waitpid (server, NULL, 0);
	}
	server = 0;
	return 0;
}
