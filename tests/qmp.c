/* Whoever is asked by QMP may say anything, and is waited for only so long. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include <glib.h>

#include "qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define EVENT "{\"event\": \"NEWS\", \"data\": {}, \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n"
#define FINE "{\"return\": {}, \"id\": 1}\r\n"

/* What a peer says at once, and after each line that it hears; then it says one thing without
 * end, or closes, or nothing more. */
struct script {
	const char *says[4];
	const char *forever;
	bool closes;
};

static char dir[] = "/tmp/domfs-qmp-XXXXXX", *at;
static const struct script *script;
static pthread_t thread;
static int listening;

static bool put (int fd, const char *text)
{
	return send (fd, text, strlen (text), MSG_NOSIGNAL) == (ssize_t) strlen (text);
}

static void hear_line (int fd)
{
	char c = 0;

	while (c != '\n' && recv (fd, &c, 1, 0) == 1)
		;
}

static void *play (void *unused)
{
	int fd = accept (listening, NULL, NULL);
	char c;

	(void) unused;
	for (int i = 0; i < 4 && script->says[i]; i++) {
		if (i > 0)
			hear_line (fd);
		put (fd, script->says[i]);
	}
	while (script->forever && put (fd, script->forever))
		;
	while (!script->closes && recv (fd, &c, 1, 0) == 1)
		;
	close (fd);
	return NULL;
}

static void begin (const struct script *what)
{
	struct sockaddr_un here = { .sun_family = AF_UNIX };

	script = what;
	g_strlcpy (here.sun_path, at, sizeof here.sun_path);
	listening = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal (bind (listening, (struct sockaddr *) &here, sizeof here), 0);
	assert_int_equal (listen (listening, 1), 0);
	pthread_create (&thread, NULL, play, NULL);
}

static void end (void)
{
	pthread_join (thread, NULL);
	close (listening);
	unlink (at);
}

static int make_dir (void **unused)
{
	(void) unused;
	qmp_patience = 1;
	if (!mkdtemp (dir))
		return -1;
	at = g_build_filename (dir, "qmp", NULL);
	return 0;
}

static int remove_dir (void **unused)
{
	(void) unused;
	g_free (at);
	return rmdir (dir);
}

/* What becomes of opening it, and if that is well, of a command. */
static int ask (const struct script *what, struct fault *f)
{
	struct qmp *qmp = NULL;
	json_t *answer = NULL;
	int r;

	begin (what);
	r = qmp_open (at, &qmp, f);
	if (r == 0)
		r = qmp_ask (qmp, "query-things", json_pack ("{s:i}", "n", 1), &answer, f);
	if (r == 0)
		r = json_integer_value (json_object_get (answer, "things"));
	json_decref (answer);
	qmp_close (qmp);
	end ();
	return r;
}

static void answers_are_told_from_events_and_from_each_other (void **unused)
{
	static const struct script plain = { { GREETING, FINE, "{\"return\": {\"things\": 7}, \"id\": 2}\r\n" } };
	static const struct script mixed = { { GREETING, EVENT FINE EVENT,
		EVENT "{\"return\": {\"things\": 8}, \"id\": 1}\r\n{\"return\": {\"things\": 9}, \"id\": 3}\r\n"
		"{\"return\": {\"things\": 10}}\r\n" EVENT "{\"id\": 2, \"return\": {\"things\": 7}}\r\n" EVENT } };
	struct fault f;

	(void) unused;
	assert_int_equal (ask (&plain, &f), 7);
	assert_int_equal (ask (&mixed, &f), 7);
}

static void errors_keep_their_sentence (void **unused)
{
	static const struct { const char *error; int r; const char *sentence; } table[] = {
		{ "\"class\": \"CommandNotFound\", \"desc\": \"no such thing\"", -EOPNOTSUPP, "QEMU: no such thing" },
		{ "\"class\": \"DeviceNotFound\", \"desc\": \"no a\"", -ENOENT, "QEMU: no a" },
		{ "\"class\": \"GenericError\", \"desc\": \"Failed to get shared \\\"write\\\" lock\\nIs another\"", -EBUSY,
		  "QEMU: Failed to get shared \"write\" lock Is another" },
		{ "\"class\": \"GenericError\", \"desc\": \"bad\"", -EIO, "QEMU: bad" },
		{ "\"class\": 7", -EIO, "QEMU: without a word" },
	};
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
		g_autofree char *line = g_strdup_printf ("{\"error\": {%s}, \"id\": 2}\r\n", table[i].error);
		const struct script refused = { { GREETING, FINE, line } };

		assert_int_equal (ask (&refused, &f), table[i].r);
		assert_string_equal (f.text, table[i].sentence);
	}
}

static void who_is_silent_is_not_waited_for (void **unused)
{
	static const struct script table[] = {
		{ .says = { "" } },
		{ .says = { "{\"QMP\": {}}" } },                /* and no end of the line */
		{ .says = { GREETING } },
		{ .says = { GREETING, FINE, EVENT } },
		{ .says = { GREETING, FINE }, .forever = EVENT },
	};
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++) {
		gint64 began = g_get_monotonic_time ();

		assert_int_equal (ask (&table[i], &f), -ETIMEDOUT);
		assert_true (g_get_monotonic_time () - began < 5 * G_USEC_PER_SEC);
	}
}

static void nonsense_is_an_error (void **unused)
{
	static const struct script table[] = {
		{ .says = { "hello\r\n" } },
		{ .says = { "[1, 2]\r\n" } },
		{ .says = { "{\"return\": {}}\r\n" } },
		{ .says = { GREETING, "{\"return\": {}, \"id\": 1\r\n" } },
		{ .says = { GREETING, FINE, "\377\376{}\r\n" } },
		{ .says = { GREETING, FINE, "" }, .closes = true },
		{ .says = { GREETING }, .closes = true },
		{ .says = { "" }, .closes = true },
	};
	struct fault f;

	(void) unused;
	for (size_t i = 0; i < G_N_ELEMENTS (table); i++)
		assert_int_equal (ask (&table[i], &f), -EIO);
}

static void deep_documents_are_nonsense_too (void **unused)
{
	g_autofree char *deep = g_strnfill (100000, '[');
	g_autofree char *line = g_strconcat ("{\"return\": ", deep, "\r\n", NULL);
	const struct script nested = { { GREETING, FINE, line } };
	struct fault f;

	(void) unused;
	assert_int_equal (ask (&nested, &f), -EIO);
}

static void lines_without_end_take_no_memory (void **unused)
{
	g_autofree char *many = g_strnfill (1 << 20, ' ');
	const struct script endless = { { GREETING, FINE }, .forever = many };
	struct rusage before, after;
	struct fault f;

	(void) unused;
	getrusage (RUSAGE_SELF, &before);
	qmp_patience = 20;
	assert_int_equal (ask (&endless, &f), -EIO);
	qmp_patience = 1;
	assert_string_equal (f.text, "QEMU says more than makes sense");
	getrusage (RUSAGE_SELF, &after);
	assert_true (after.ru_maxrss - before.ru_maxrss < 100 << 10);
}

static void after_a_silence_nothing_is_asked (void **unused)
{
	static const struct script late = { { GREETING, FINE, EVENT, "{\"return\": {\"things\": 7}, \"id\": 2}\r\n" FINE } };
	struct qmp *qmp;
	struct fault f;

	(void) unused;
	begin (&late);
	assert_int_equal (qmp_open (at, &qmp, &f), 0);
	assert_int_equal (qmp_ask (qmp, "query-things", NULL, NULL, &f), -ETIMEDOUT);
	assert_int_equal (qmp_ask (qmp, "query-things", NULL, NULL, &f), -EIO);
	qmp_close (qmp);
	end ();
}

static void nobody_there_is_told (void **unused)
{
	g_autofree char *far = g_strnfill (200, 'x');
	struct qmp *qmp;
	struct fault f;

	(void) unused;
	assert_int_equal (qmp_open (at, &qmp, &f), -ENOENT);
	assert_int_equal (qmp_open (far, &qmp, &f), -ENAMETOOLONG);
}

int main (void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test (answers_are_told_from_events_and_from_each_other),
		cmocka_unit_test (errors_keep_their_sentence),
		cmocka_unit_test (who_is_silent_is_not_waited_for),
		cmocka_unit_test (nonsense_is_an_error),
		cmocka_unit_test (deep_documents_are_nonsense_too),
		cmocka_unit_test (lines_without_end_take_no_memory),
		cmocka_unit_test (after_a_silence_nothing_is_asked),
		cmocka_unit_test (nobody_there_is_told),
	};

	return cmocka_run_group_tests (tests, make_dir, remove_dir);
}
