/* redact.c - a source that everybody may see: in the table of mounts, in the log, in .domfs/source */

#include <glib.h>
#include <string.h>

#include "redact.h"

char *redact (const char *source)
{
	const char *scheme = strstr (source, "://"), *user = scheme ? scheme + strlen ("://") : "";
	const char *at = memrchr (user, '@', strcspn (user, "/?#"));
	const char *colon = at ? memchr (user, ':', at - user) : NULL;

	return colon ? g_strdup_printf ("%.*s%s", (int) (colon - source), source, at) : g_strdup (source);
}
