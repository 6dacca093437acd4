/* qmp.c - asking a process of QEMU's, over its socket
 *
 * A line is a document (docs/interop/qmp-spec.txt): first a greeting, then answers,
 * each with the id of its command, and events in between, which nobody here waits for.
 * One client is served at a time; who comes second is let in and hears nothing. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include "qmp.h"

enum { MAX_LINE = 16 << 20, NAP_MS = 10 };

unsigned qmp_patience = 30;

struct qmp {
	int fd;
	json_int_t last;        /* the id of the last command */
	GByteArray *got;        /* and not taken yet */
	bool broken;            /* what comes may belong to anything */
};

static gint64 deadline (void)
{
	return g_get_monotonic_time () + qmp_patience * G_USEC_PER_SEC;
}

static int silent (struct fault *f)
{
	return fault (f, ETIMEDOUT, "QEMU did not answer within %u s", qmp_patience);
}

/* Until it can be read or written. */
static int await (const struct qmp *qmp, short events, gint64 until, struct fault *f)
{
	struct pollfd fd = { qmp->fd, events, 0 };
	gint64 left = (until - g_get_monotonic_time ()) / 1000;

	return left <= 0 || poll (&fd, 1, left) == 0 ? silent (f) : 0;
}

static bool is_later (void)
{
	return errno == EAGAIN || errno == EINTR;
}

static int send_all (struct qmp *qmp, const char *text, gint64 until, struct fault *f)
{
	size_t left = strlen (text);

	while (left > 0) {
		ssize_t n = send (qmp->fd, text, left, MSG_NOSIGNAL);

		if (n < 0 && !is_later ())
			return fault (f, EIO, "QEMU does not listen any more: %s", g_strerror (errno));
		if (n < 0 && await (qmp, POLLOUT, until, f) < 0)
			return -f->err;
		text += MAX (n, 0);
		left -= MAX (n, 0);
	}
	return 0;
}

/* Some more of what it says. */
static int receive (struct qmp *qmp, gint64 until, struct fault *f)
{
	guint8 some[65536];
	ssize_t n;

	if (await (qmp, POLLIN, until, f) < 0)
		return -f->err;
	n = recv (qmp->fd, some, sizeof some, 0);
	if (n < 0 && is_later ())
		return 0;
	if (n <= 0)
		return fault (f, EIO, "QEMU has gone: %s", n == 0 ? "it closed its socket" : g_strerror (errno));
	if (qmp->got->len + n > MAX_LINE)
		return fault (f, EIO, "QEMU says more than makes sense");
	g_byte_array_append (qmp->got, some, n);
	return 0;
}

/* The next line, of LEN bytes, is there; what was looked at before is not looked at again. */
static int await_line (struct qmp *qmp, gint64 until, size_t *len, struct fault *f)
{
	const guint8 *end = NULL;
	guint seen = 0;

	while (!end) {
		if (seen == qmp->got->len && receive (qmp, until, f) < 0)
			return -f->err;
		end = memchr (qmp->got->data + seen, '\n', qmp->got->len - seen);
		seen = qmp->got->len;
	}
	*len = end - qmp->got->data;
	return 0;
}

/* The next document, which is the caller's; time is up at UNTIL, however much there is to hear. */
static json_t *hear (struct qmp *qmp, gint64 until, struct fault *f)
{
	json_t *said;
	size_t len = 0;

	if (g_get_monotonic_time () >= until) {
		silent (f);
		return NULL;
	}
	if (await_line (qmp, until, &len, f) < 0)
		return NULL;
	said = json_loadb ((const char *) qmp->got->data, len, 0, NULL);
	g_byte_array_remove_range (qmp->got, 0, len + 1);
	if (!json_is_object (said)) {
		json_decref (said);
		said = NULL;
		fault (f, EIO, "QEMU says what is no QMP");
	}
	return said;
}

/* What has KEY, and the id ID unless that is 0. */
static bool is_wanted (const json_t *said, const char *key, json_int_t id)
{
	const json_t *which = json_object_get (said, "id");

	return json_object_get (said, key) && (id == 0 || (json_is_integer (which) && json_integer_value (which) == id));
}

static json_t *hear_answer (struct qmp *qmp, json_int_t id, gint64 until, struct fault *f)
{
	json_t *said;

	while ((said = hear (qmp, until, f))) {
		if (is_wanted (said, "return", id) || is_wanted (said, "error", id))
			return said;
		json_decref (said);
	}
	return NULL;
}

static const struct {
	const char *class;
	int err;
} classes[] = {
	{ "CommandNotFound", EOPNOTSUPP },
	{ "DeviceNotFound",  ENOENT },
};

/* A lock has no class of its own. */
static int err_of (const char *class, const char *sentence)
{
	for (size_t i = 0; i < G_N_ELEMENTS (classes); i++)
		if (strcmp (class, classes[i].class) == 0)
			return classes[i].err;
	return strstr (sentence, "Failed to get") && strstr (sentence, "lock") ? EBUSY : EIO;
}

static int refuse (const json_t *error, struct fault *f)
{
	const char *class = json_string_value (json_object_get (error, "class"));
	const char *desc = json_string_value (json_object_get (error, "desc"));
	g_autofree char *sentence = g_strdup (desc ? desc : "without a word");

	g_strdelimit (sentence, "\n\r", ' ');
	return fault (f, err_of (class ? class : "", sentence), "QEMU: %s", sentence);
}

static int answer_of (const json_t *said, json_t **answer, struct fault *f)
{
	const json_t *error = json_object_get (said, "error");

	if (error)
		return refuse (error, f);
	if (answer)
		*answer = json_incref (json_object_get (said, "return"));
	return 0;
}

/* ARGUMENTS are taken over. */
static char *line_of (const char *command, json_t *arguments, json_int_t id)
{
	json_t *whole = json_pack ("{s:s, s:I, s:o*}", "execute", command, "id", id, "arguments", arguments);
	char *text = json_dumps (whole, JSON_COMPACT), *line = g_strconcat (text, "\n", NULL);

	json_decref (whole);
	free (text);
	return line;
}

int qmp_ask (struct qmp *qmp, const char *command, json_t *arguments, json_t **answer, struct fault *f)
{
	gint64 until = deadline ();
	g_autofree char *line = line_of (command, arguments, ++qmp->last);
	json_t *said = NULL;
	int r;

	if (qmp->broken)
		return fault (f, EIO, "QEMU cannot be asked any more");
	if (send_all (qmp, line, until, f) == 0)
		said = hear_answer (qmp, qmp->last, until, f);
	qmp->broken = !said;
	if (!said)
		return -f->err;
	r = answer_of (said, answer, f);
	json_decref (said);
	return r;
}

/* A queue that is full may have room soon. */
static int join (const struct qmp *qmp, const char *socket, gint64 until, struct fault *f)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (g_strlcpy (to.sun_path, socket, sizeof to.sun_path) >= sizeof to.sun_path)
		return fault (f, ENAMETOOLONG, "%s is too long for a socket", socket);
	while (connect (qmp->fd, (struct sockaddr *) &to, sizeof to) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return fault (f, ENOENT, "nobody listens at %s", socket);
		if (!is_later ())
			return fault (f, errno, "cannot connect to %s: %s", socket, g_strerror (errno));
		if (g_get_monotonic_time () >= until)
			return silent (f);
		g_usleep (NAP_MS * 1000);
	}
	return 0;
}

static int greet (struct qmp *qmp, gint64 until, struct fault *f)
{
	json_t *greeting = hear (qmp, until, f);
	bool is_qmp = is_wanted (greeting, "QMP", 0);

	if (!greeting)
		return -f->err;
	json_decref (greeting);
	return is_qmp ? qmp_ask (qmp, "qmp_capabilities", NULL, NULL, f) : fault (f, EIO, "QEMU says what is no QMP");
}

int qmp_open (const char *socket_path, struct qmp **out, struct fault *f)
{
	gint64 until = deadline ();
	struct qmp *qmp = g_new (struct qmp, 1);
	int r;

	*qmp = (struct qmp) { socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), .got = g_byte_array_new () };
	r = qmp->fd < 0 ? fault (f, errno, "no more sockets: %s", g_strerror (errno)) : join (qmp, socket_path, until, f);
	if (r == 0)
		r = greet (qmp, until, f);
	if (r == 0)
		*out = qmp;
	else
		qmp_close (qmp);
	return r;
}

void qmp_close (struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close (qmp->fd);
	g_byte_array_unref (qmp->got);
	g_free (qmp);
}
