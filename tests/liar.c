/* liar.c - an NBD server that lies, for tests
 *
 * Just as much of the protocol as libnbd needs to get to the lie. */

#include <arpa/inet.h>
#include <endian.h>
#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "liar.h"

enum { GO = 7, STRUCTURED = 8, META = 10, ACK = 1, INFO = 3, CONTEXT = 4 };     /* options, replies */
enum { READ = 0, STATUS = 7, NO_CHUNK = 0, DATA_CHUNK = 1, STATUS_CHUNK = 5 };

static pthread_t thread;
static struct lies lies;
static int listening;

struct option { uint64_t magic; uint32_t option, len; } __attribute__ ((packed));
struct reply { uint64_t magic; uint32_t option, type, len; } __attribute__ ((packed));
struct request { uint32_t magic; uint16_t flags, type; uint64_t cookie, offset; uint32_t len; } __attribute__ ((packed));
struct chunk { uint32_t magic; uint16_t flags, type; uint64_t cookie; uint32_t len; } __attribute__ ((packed));
struct export { uint16_t info; uint64_t size; uint16_t flags; } __attribute__ ((packed));

static bool get (int fd, void *into, size_t len)
{
	return len == 0 || recv (fd, into, len, MSG_WAITALL) == (ssize_t) len;
}

static void put (int fd, const void *from, size_t len)
{
	if (send (fd, from, len, MSG_NOSIGNAL) != (ssize_t) len)
		shutdown (fd, SHUT_RDWR);
}

static void reply (int fd, uint32_t option, uint32_t type, const void *data, uint32_t len)
{
	struct reply head = { htobe64 (0x3e889045565a9ULL), htonl (option), htonl (type), htonl (len) };

	put (fd, &head, sizeof head);
	put (fd, data, len);
}

static void grant (int fd, uint32_t id, const char *context)
{
	char data[256];

	id = htonl (id);
	memcpy (data, &id, 4);
	g_strlcpy (data + 4, context, sizeof data - 4);
	reply (fd, META, CONTEXT, data, 4 + strlen (context));
}

static void grant_all (int fd)
{
	if (lies.bitmap && lies.bitmap_first)
		grant (fd, 2, lies.bitmap);
	grant (fd, 1, "base:allocation");
	if (lies.bitmap && !lies.bitmap_first)
		grant (fd, 2, lies.bitmap);
}

static bool negotiate (int fd)
{
	const struct export export = { 0, htobe64 (lies.size), htons (3) };
	struct option option;
	char data[4096];
	uint32_t flags;

	put (fd, "NBDMAGICIHAVEOPT\0\3", 18);
	if (!get (fd, &flags, sizeof flags))
		return false;
	while (get (fd, &option, sizeof option) && get (fd, data, ntohl (option.len))) {
		if (ntohl (option.option) == META)
			grant_all (fd);
		if (ntohl (option.option) == GO)
			reply (fd, GO, INFO, &export, sizeof export);
		reply (fd, ntohl (option.option), ACK, NULL, 0);
		if (ntohl (option.option) == GO)
			return true;
	}
	return false;
}

static void answer (int fd, const struct request *request, bool done, uint16_t type, const void *data, uint32_t len)
{
	struct chunk head = { htonl (0x668e33ef), htons (done), htons (type), request->cookie, htonl (len) };

	put (fd, &head, sizeof head);
	put (fd, data, len);
}

static void tell_allocation (int fd, const struct request *request)
{
	g_autofree uint32_t *extents = g_new0 (uint32_t, 1 + 2 * lies.status_copies);

	extents[0] = htonl (1);
	for (uint32_t i = 0; i < lies.status_copies; i++)
		extents[1 + 2 * i] = htonl (lies.status_len);
	answer (fd, request, false, STATUS_CHUNK, extents, 4 + 8 * lies.status_copies);
}

static void tell_bitmap (int fd, const struct request *request)
{
	g_autofree uint32_t *extents = g_new0 (uint32_t, 1 + 2 * lies.bitmap_copies);
	uint64_t at = be64toh (request->offset), end;

	extents[0] = htonl (lies.bitmap_id ? lies.bitmap_id : 2);
	for (uint32_t i = 0; lies.bitmap_len > 0 && i < lies.bitmap_copies; i++, at = end) {
		end = (at / lies.bitmap_len + 1) * lies.bitmap_len;
		extents[1 + 2 * i] = htonl (end - at);
		extents[2 + 2 * i] = htonl (at / lies.bitmap_len % 2 == 0);
	}
	answer (fd, request, false, STATUS_CHUNK, extents, 4 + 8 * lies.bitmap_copies);
}

static void tell_status (int fd, const struct request *request)
{
	for (int first = 1; first >= 0; first--) {
		if (first != lies.bitmap_first)
			tell_allocation (fd, request);
		for (uint32_t i = 0; lies.bitmap && first == lies.bitmap_first && i < lies.bitmap_times; i++)
			tell_bitmap (fd, request);
	}
	answer (fd, request, true, NO_CHUNK, NULL, 0);
}

static void tell_data (int fd, const struct request *request)
{
	uint32_t len = ntohl (request->len) - lies.short_by;
	g_autofree char *data = g_malloc0 (8 + len);

	memcpy (data, &request->offset, 8);
	memset (data + 8, 'x', len);
	answer (fd, request, true, DATA_CHUNK, data, 8 + len);
}

static void *lie (void *unused)
{
	struct request request;
	int fd = accept (listening, NULL, NULL);

	(void) unused;
	if (lies.mute)
		get (fd, &request, sizeof request);
	else if (negotiate (fd))
		while (get (fd, &request, sizeof request) && ntohs (request.type) != 2) {
			if (ntohs (request.type) == STATUS)
				tell_status (fd, &request);
			else
				tell_data (fd, &request);
		}
	close (fd);
	return NULL;
}

void liar_begin (const char *path, const struct lies *what)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	lies = *what;
	g_strlcpy (at.sun_path, path, sizeof at.sun_path);
	unlink (path);
	listening = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bind (listening, (struct sockaddr *) &at, sizeof at);
	listen (listening, 1);
	pthread_create (&thread, NULL, lie, NULL);
}

void liar_end (void)
{
	pthread_join (thread, NULL);
	close (listening);
}
