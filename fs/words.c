/* words.c - the words of a wish
 *
 * A checkpoint's name becomes part of names of backups and of files, so all new
 * names are plain; what others named otherwise is shown, see name_encode(). */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "words.h"

/* libvirt stores NAME.xml.new, and finds out too late that this is too long. */
enum { LONGEST = NAME_MAX - 8 };

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";

static int check_plain (const char *name, struct fault *f)
{
	if (strlen (name) > LONGEST)
		return fault (f, ENAMETOOLONG, "a name has at most %d bytes", LONGEST);
	if (!*name || name[0] == '.' || strstr (name, "..") || name[strspn (name, plain)])
		return fault (f, EINVAL, "a name has letters, digits, \"_\", \"-\" and single dots, none of them first");
	return 0;
}

/* Names of backups refer to checkpoints. */
static int check_point (const char *name, struct fault *f)
{
	if (strcmp (name, "full") == 0)
		return fault (f, EINVAL, "full..B is a full backup: full is no name for a checkpoint");
	return check_plain (name, f);
}

/* The two checkpoints beside the dots, of which one may be missing. */
static int parse_range (char *name, char *dots, struct wish *wish, struct fault *f)
{
	int r = 0;

	*dots = '\0';
	if (dots > name && (strcmp (name, "full") != 0 || !dots[2]))
		wish->since = name;
	if (dots[2])
		wish->leaves = dots + 2;
	if (!*name)
		return fault (f, EINVAL, "write full..%s for a full backup that leaves it", dots + 2);
	if (wish->since)
		r = check_point (wish->since, f);
	if (r == 0 && wish->leaves)
		r = check_point (wish->leaves, f);
	if (r == 0 && wish->since && wish->leaves && strcmp (wish->since, wish->leaves) == 0)
		return fault (f, EINVAL, "a backup since %s cannot leave %s", wish->since, wish->leaves);
	return r;
}

/* "b", or of a backup "full..b", "a..b", "a..". */
int words_parse (enum moment kind, const char *name, char *buf, struct wish *wish, struct fault *f)
{
	char *dots;

	*wish = (struct wish) { .name = name };
	if (strlen (name) > LONGEST)
		return fault (f, ENAMETOOLONG, "a name has at most %d bytes", LONGEST);
	dots = kind == BACKUP ? strstr (strcpy (buf, name), "..") : NULL;
	if (dots)
		return parse_range (buf, dots, wish, f);
	return kind == CHECKPOINT ? check_point (name, f) : check_plain (name, f);
}

void words_read (enum moment kind, const char *name, char *buf, struct wish *wish)
{
	struct fault ignored;

	if (words_parse (kind, name, buf, wish, &ignored) < 0)
		*wish = (struct wish) { .name = name };
}

int words_check (enum moment kind, const char *name, struct fault *f)
{
	char buf[NAME_MAX + 1];
	struct wish wish;

	return words_parse (kind, name, buf, &wish, f);
}
