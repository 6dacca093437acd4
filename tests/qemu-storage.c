/* A qemu-storage-daemon serves images that nobody writes to, and any process can end it. */

#include <errno.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <glib.h>

#include "qemu-daemon.h"
#include "qemu-offline.h"
#include "qemu-storage.h"

static char dir[] = "/tmp/domfs-storage-XXXXXX", *home, *sock, *pid_file;

/* Does the shell COMMAND succeed among the images? */
static bool works (const char *command)
{
	g_autofree char *there = g_strdup_printf ("cd %s && { %s; } > /dev/null 2>&1", dir, command);

	return system (there) == 0;
}

static char *path (const char *name)
{
	return g_build_filename (dir, name, NULL);
}

static int start_one (const char *name, const char *format, const char *bitmap, struct fault *f)
{
	g_autofree char *file = path (name);
	const struct qemu_storage_disk disk = { "vda", file, format, bitmap };

	return qemu_storage_start (home, sock, &disk, 1, f);
}

static void end (void)
{
	struct fault f;

	assert_int_equal (qemu_storage_end (home, &f), 0);
	assert_false (qemu_storage_is_there (home));
	unlink (sock);
	assert_int_equal (rmdir (home), 0);             /* nothing is left in it */
	assert_int_equal (mkdir (home, 0700), 0);
}

/* A chain of three, of which each has the bitmap; and the same disk as a raw file. */
static int make_images (void **unused)
{
	(void) unused;
	if (!mkdtemp (dir))
		return -1;
	home = path ("home");
	sock = path ("home/nbd");
	pid_file = path ("home/pid");
	if (mkdir (home, 0700) < 0)
		return -1;
	return works ("set -e; layer() { qemu-img create -q -f qcow2 \"$@\"; qemu-img bitmap --add $next a; }\n"
		      "next=base; layer base 16M; qemu-io -c 'write -P 1 1M 64k' base\n"
		      "next=middle; layer -b base -F qcow2 middle; qemu-io -c 'write -P 2 3M 64k' -c 'write -P 3 8M 1k' middle\n"
		      "next=top; layer -b middle -F qcow2 top; qemu-io -c 'write -P 4 8M 64k' -c 'discard 1M 64k' top\n"
		      "qemu-img convert -O raw top flat; qemu-img create -q -f qcow2 -b middle -F qcow2 late") ? 0 : -1;
}

static int remove_images (void **unused)
{
	g_autofree char *rm = g_strdup_printf ("rm -r %s", dir);

	(void) unused;
	g_free (home);
	g_free (sock);
	g_free (pid_file);
	return system (rm);
}

static void a_chain_is_one_disk (void **unused)
{
	struct fault f;

	(void) unused;
	assert_int_equal (start_one ("top", "qcow2", NULL, &f), 0);
	assert_true (works ("qemu-img compare -f raw -F raw flat 'nbd+unix:///vda?socket=home/nbd'"));
	assert_false (works ("qemu-io -f raw -c 'write 0 512' 'nbd+unix:///vda?socket=home/nbd'"));
	end ();
}

static void its_images_are_locked_until_it_has_ended (void **unused)
{
	struct fault f;

	(void) unused;
	for (int i = 0; i < 3; i++) {
		assert_int_equal (start_one ("top", "qcow2", NULL, &f), 0);
		assert_false (works ("qemu-io -c 'write 15M 512' top"));
		assert_false (works ("qemu-io -c 'write 15M 512' base"));
		assert_false (works ("qemu-img commit top"));
		assert_true (works ("qemu-io -r -c 'read 0 512' top"));
		end ();
		assert_true (works ("qemu-io -c 'open top' -c 'close'"));
	}
}

static void raw_images_are_locked_too (void **unused)
{
	struct fault f;

	(void) unused;
	assert_true (works ("cp flat raw; qemu-img create -q -f qcow2 -b raw -F raw above-raw; qemu-io -c 'write 0 1k' above-raw"));
	assert_int_equal (start_one ("raw", "raw", NULL, &f), 0);
	assert_false (works ("qemu-io -f raw -c 'write 15M 512' raw"));
	assert_true (works ("qemu-io -f raw -r -c 'read 15M 512' raw"));
	end ();
	assert_int_equal (start_one ("above-raw", "qcow2", NULL, &f), 0);
	assert_false (works ("qemu-img commit above-raw"));
	assert_true (works ("qemu-img compare -U -f qcow2 -F raw above-raw 'nbd+unix:///vda?socket=home/nbd'"));
	end ();
	assert_true (works ("qemu-img commit above-raw"));
}

static void what_changed_is_the_union_along_the_chain (void **unused)
{
	struct fault f;

	(void) unused;
	assert_int_equal (start_one ("top", "qcow2", "a", &f), 0);
	assert_true (works ("nbdinfo --map=qemu:dirty-bitmap:backup-vda 'nbd+unix:///vda?socket=home/nbd' |"
			    " awk '$3 { print $1, $2 }' | xargs | grep -x '1048576 65536 3145728 65536 8388608 65536'"));
	assert_true (works ("! qemu-img info -U top | grep backup-vda"));
	end ();
}

static void a_bitmap_that_does_not_tell_all_tells_nothing (void **unused)
{
	static const char *const spoil[] = {
		"true",                                                         /* it has none */
		"qemu-img bitmap --add late a && qemu-img bitmap --disable late a",
		"qemu-img bitmap --enable late a && ! qemu-io -c 'write 0 64k' -c abort late",
	};
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (spoil); i++) {
		assert_true (works (spoil[i]));
		assert_int_equal (start_one ("late", "qcow2", "a", &f), -ENODATA);
		end ();
	}
}

static void is_busy (const char *name, const char *format)
{
	g_autofree char *file = path (name);
	const char *const argv[] = { "qemu-io", "-f", format, "-c", "sleep 100000", file, NULL };
	struct fault f;
	GPid writer;

	assert_true (g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
				    &writer, NULL));
	for (int i = 0; i < 1000 && !qemu_offline_is_locked (file); i++)
		g_usleep (10000);
	assert_int_equal (start_one (name, format, NULL, &f), -EBUSY);
	kill (writer, SIGKILL);
	waitpid (writer, NULL, 0);
	end ();
}

static void who_is_written_to_is_busy (void **unused)
{
	(void) unused;
	is_busy ("top", "qcow2");
	is_busy ("raw", "raw");
}

static void formats_are_never_guessed (void **unused)
{
	struct fault f;

	(void) unused;
	assert_true (works ("cp top guest; qemu-img create -q -f qcow2 -b guest -F raw on-raw"));
	assert_int_equal (start_one ("on-raw", "qcow2", NULL, &f), 0);
	assert_true (works ("qemu-img compare -f raw -F raw guest 'nbd+unix:///vda?socket=home/nbd'"));
	end ();
}

static void what_cannot_be_served_is_said (void **unused)
{
	static const struct { const char *made_by, *name, *format; int r; } table[] = {
		{ "qemu-img create -q -f qcow2 -b middle -F qcow2 guesses; printf '\\0\\0\\0\\7' | dd conv=notrunc bs=1 of=guesses "
		  "seek=$(LC_ALL=C grep -obUaP '\\xE2\\x79\\x2A\\xCA' guesses | cut -d: -f1)", "guesses", "qcow2", -EOPNOTSUPP },
		{ "qemu-img create -q -u -f qcow2 -b nbd://localhost:1/ -F raw far 16M", "far", "qcow2", -EOPNOTSUPP },
		{ "true", "nothing", "raw", -EIO },
		{ "true", "flat", "qcow2", -EIO },
	};
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
		assert_true (works (table[i].made_by));
		assert_int_equal (start_one (table[i].name, table[i].format, NULL, &f), table[i].r);
		end ();
	}
}

static void who_is_killed_is_gone (void **unused)
{
	struct fault f;

	(void) unused;
	assert_int_equal (start_one ("top", "qcow2", NULL, &f), 0);
	assert_true (qemu_storage_is_there (home));
	assert_int_equal (kill (qemu_daemon_pid (pid_file), SIGKILL), 0);
	for (int i = 0; i < 500 && qemu_storage_is_there (home); i++)
		g_usleep (10000);
	assert_false (qemu_storage_is_there (home));
	end ();
}

static void another_process_of_that_pid_is_left_alone (void **unused)
{
	g_autofree char *text = NULL;
	pid_t other = fork ();

	(void) unused;
	if (other == 0) {
		pause ();
		_exit (0);
	}
	text = g_strdup_printf ("%d\n", (int) other);
	assert_true (g_file_set_contents (pid_file, text, -1, NULL));
	assert_false (qemu_storage_is_there (home));
	end ();
	assert_int_equal (kill (other, 0), 0);
	assert_int_equal (waitpid (other, NULL, WNOHANG), 0);
	kill (other, SIGKILL);
	waitpid (other, NULL, 0);
}

/* Is FILE open in PID? */
static bool has_open (pid_t pid, const char *file)
{
	g_autofree char *fds = g_strdup_printf ("/proc/%d/fd", (int) pid);
	g_autoptr (GDir) open_ones = g_dir_open (fds, 0, NULL);
	const char *name;
	bool has = false;

	assert_non_null (open_ones);
	while ((name = g_dir_read_name (open_ones))) {
		g_autofree char *link = g_build_filename (fds, name, NULL), *to = g_file_read_link (link, NULL);

		has |= g_strcmp0 (to, file) == 0;
	}
	return has;
}

/* In another process, which blocks its signals as domfs does, and has a file open. */
static void starter (const char *file)
{
	struct fault f;
	sigset_t all;

	sigfillset (&all);
	sigprocmask (SIG_SETMASK, &all, NULL);
	_exit (open (file, O_RDONLY) >= 0 && start_one ("top", "qcow2", NULL, &f) == 0 ? 0 : 1);
}

static void it_outlives_who_started_it_and_inherits_nothing (void **unused)
{
	g_autofree char *flat = path ("flat");
	pid_t child = fork (), daemon;
	int status;

	(void) unused;
	if (child == 0)
		starter (flat);
	waitpid (child, &status, 0);
	assert_int_equal (status, 0);
	daemon = qemu_daemon_pid (pid_file);
	assert_true (daemon > 0);
	assert_int_equal (getsid (daemon) == getsid (0), false);
	assert_false (has_open (daemon, flat));
	assert_true (works ("qemu-img compare -f raw -F raw flat 'nbd+unix:///vda?socket=home/nbd'"));
	assert_int_equal (kill (daemon, SIGTERM), 0);   /* which it does not block */
	for (int i = 0; i < 500 && qemu_storage_is_there (home); i++)
		g_usleep (10000);
	assert_false (qemu_storage_is_there (home));
	end ();
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (a_chain_is_one_disk),
		cmocka_unit_test (its_images_are_locked_until_it_has_ended),
		cmocka_unit_test (raw_images_are_locked_too),
		cmocka_unit_test (what_changed_is_the_union_along_the_chain),
		cmocka_unit_test (a_bitmap_that_does_not_tell_all_tells_nothing),
		cmocka_unit_test (who_is_written_to_is_busy),
		cmocka_unit_test (formats_are_never_guessed),
		cmocka_unit_test (what_cannot_be_served_is_said),
		cmocka_unit_test (who_is_killed_is_gone),
		cmocka_unit_test (another_process_of_that_pid_is_left_alone),
		cmocka_unit_test (it_outlives_who_started_it_and_inherits_nothing),
	};

	return cmocka_run_group_tests (tests, make_images, remove_images);
}
