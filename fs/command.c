/* command.c - what the command line says
 *
 * All options are in one table: -o WORD, -o WORD=VALUE, --WORD and --WORD=VALUE are
 * the same, so that whatever the shell can ask for fstab can too. */

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "redact.h"

struct word {
	char letter;            /* -f; or 0 */
	const char *name;       /* --NAME and -o NAME */
	const char *value;      /* how --help calls it; NULL: it takes none */
	int (*take) (const struct word *, const char *value, void *field, struct fault *);
	size_t field;           /* of struct command */
	const char *help;
};

static int yes (const struct word *word, const char *value, void *field, struct fault *f)
{
	(void) word;
	(void) value;
	(void) f;
	*(bool *) field = true;
	return 0;
}

static int no (const struct word *word, const char *value, void *field, struct fault *f)
{
	(void) word;
	(void) value;
	(void) f;
	*(bool *) field = false;
	return 0;
}

/* An absolute path: in the background we are in another directory. */
static int path (const struct word *word, const char *value, void *field, struct fault *f)
{
	if (!*value)
		return fault (f, EINVAL, "%s is empty", word->name);
	*(const char **) field = g_canonicalize_filename (value, NULL);
	return 0;
}

static int number (const struct word *word, const char *value, unsigned base, guint64 most, unsigned *out,
		   const char *like, struct fault *f)
{
	guint64 n;

	if (!g_ascii_string_to_unsigned (value, base, 0, most, &n, NULL))
		return fault (f, EINVAL, "%s=%s: a number is wanted, as in %s=%s", word->name, value, word->name, like);
	*out = n;
	return 0;
}

static int id (const struct word *word, const char *value, void *field, struct fault *f)
{
	return number (word, value, 10, UINT_MAX - 1, field, "1000", f);        /* the last one is no id */
}

static int mask (const struct word *word, const char *value, void *field, struct fault *f)
{
	return number (word, value, 8, 0777, field, "027", f);
}

static int count (const struct word *word, const char *value, void *field, struct fault *f)
{
	return number (word, value, 10, UINT_MAX, field, "3600", f);
}

static int seconds (const struct word *word, const char *value, void *field, struct fault *f)
{
	char *end;
	double n = g_ascii_strtod (value, &end);

	if (end == value || *end || !isfinite (n) || n < 0 || n > INT_MAX)
		return fault (f, EINVAL, "%s=%s: seconds are wanted, as in %s=2.5", word->name, value, word->name);
	*(double *) field = n;
	return 0;
}

static int bytes (const struct word *word, const char *value, void *field, struct fault *f)
{
	static const char units[] = "KMGT";
	char *end;
	guint64 n = g_ascii_isdigit (*value) ? g_ascii_strtoull (value, &end, 10) : G_MAXUINT64;
	const char *unit = n < G_MAXUINT64 && *end ? strchr (units, *end) : NULL;
	int shift = unit ? 10 * (unit - units + 1) : 0;

	if (n > (G_MAXUINT64 - 1) >> shift || (unit ? end[1] : *end))
		return fault (f, EINVAL, "%s=%s: bytes are wanted, as in %s=512M", word->name, value, word->name);
	*(uint64_t *) field = n << shift;
	return 0;
}

/* rsync --delete would take the empty directory that it leaves for the truth. */
static int never (const struct word *word, const char *value, void *field, struct fault *f)
{
	(void) value;
	(void) field;
	return fault (f, EINVAL, "%s is not offered: who copies would find an empty directory where the mount was",
		      word->name);
}

#define AT(field) offsetof (struct command, field)

/* clang-format off */
static const struct word words[] = {
	{ 'f', "foreground",      NULL,      yes,     AT (foreground),            "stay in the foreground" },
	{ 'd', "debug",           NULL,      yes,     AT (debug),                 "in the foreground, say each request" },
	{ 'v', "verbose",         NULL,      yes,     AT (verbose),               "say what was done, not only what failed" },
	{ 'r', "ro",              NULL,      yes,     AT (setup.read_only),       "look, but change nothing" },
	{ 'P', "pid-file",        "FILE",    path,    AT (pid_file),              "holds the process id while it is mounted" },
	{ 'h', "help",            NULL,      yes,     AT (help),                  "print this" },
	{ 'V', "version",         NULL,      yes,     AT (version),               "print its version and its libraries'" },
	{ 0,   "allow_other",     NULL,      yes,     AT (allow_other),           "let other users in, as far as modes do" },
	{ 0,   "uid",             "N",       id,      AT (uid),                   "who owns all files (who mounts it)" },
	{ 0,   "gid",             "N",       id,      AT (gid),                   "the group of all files (of who mounts it)" },
	{ 0,   "umask",           "OCTAL",   mask,    AT (umask),                 "permissions to take away (0)" },
	{ 0,   "cache",           "SECONDS", seconds, AT (cache),                 "how long what was seen is believed (1)" },
	{ 0,   "timeout",         "SECONDS", seconds, AT (timeout),               "how long an answer may take (30)" },
	{ 0,   "job-timeout",     "SECONDS", count,   AT (setup.job_timeout),     "when a backup nobody reads is ended (7200)" },
	{ 0,   "state",           "DIR",     path,    AT (setup.state),           "what must outlive domfs (/var/lib/domfs)" },
	{ 0,   "saves",           "DIR",     path,    AT (setup.saves),           "memory of guests (/var/lib/domfs/saves)" },
	{ 0,   "scratch",         "DIR",     path,    AT (setup.scratch),         "what backups set aside (by each image)" },
	{ 0,   "scratch-reserve", "BYTES",   bytes,   AT (setup.scratch_reserve), "what stays free there (5%, or 1G)" },
	{ 0,   "run",             "DIR",     path,    AT (setup.run),             "sockets (where QEMU has its own)" },
	{ 0,   "nonempty",        NULL,      yes,     AT (nonempty),              "hide what is in MOUNTPOINT" },
	{ 0,   "rw",              NULL,      no,      AT (setup.read_only),       NULL },
	{ 0,   "default_permissions", NULL,  yes,     AT (default_permissions),   NULL },
	{ 0,   "auto_unmount",    NULL,      never,   0,                          NULL },
};
/* clang-format on */

/* What mount(8), autofs and habit hand over besides.  Nothing here is a device or a program, so it
 * is always mounted nodev, nosuid and noexec. */
/* clang-format off */
static const char *const ignored[] = {
	"dev",   "nodev",   "suid",     "nosuid",     "exec",     "noexec",     "sync",        "async",   "dirsync",
	"atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
	"mand",  "nomand",  "iversion", "noiversion", "lazytime", "nolazytime", "silent",      "loud",    "_netdev",
	"auto",  "noauto",  "user",     "nouser",     "users",    "nousers",    "owner",       "noowner", "group",
	"nogroup", "nofail", "defaults", NULL
};
/* clang-format on */

static const struct word *find (const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		if (strlen (words[i].name) == len && memcmp (words[i].name, name, len) == 0)
			return &words[i];
	return NULL;
}

static const struct word *by_letter (char letter)
{
	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		if (words[i].letter == letter)
			return &words[i];
	return NULL;
}

static int take (struct command *command, const struct word *word, const char *value, struct fault *f)
{
	if (word->value && !value)
		return fault (f, EINVAL, "%s wants a value: %s=%s", word->name, word->name, word->value);
	if (!word->value && value)
		return fault (f, EINVAL, "%s takes no value", word->name);
	return word->take (word, value, (char *) command + word->field, f);
}

static bool is_ignored (const char *text)
{
	return g_strv_contains (ignored, text) || g_str_has_prefix (text, "x-") || g_str_has_prefix (text, "comment=");
}

/* One of -o: "ro" or "timeout=5". */
static int take_text (struct command *command, const char *text, struct fault *f)
{
	size_t len = strcspn (text, "=");
	const struct word *word = find (text, len);

	if (word)
		return take (command, word, text[len] ? text + len + 1 : NULL, f);
	return !*text || is_ignored (text) ? 0 : fault (f, EINVAL, "-o %s is unknown, see domfs --help", text);
}

/* All of one -o: a comma in a value has a backslash before it. */
static int take_list (struct command *command, const char *list, struct fault *f)
{
	g_autoptr (GString) text = g_string_new (NULL);
	int r = 0;

	for (; *list && r == 0; list++) {
		if (*list == ',') {
			r = take_text (command, text->str, f);
			g_string_truncate (text, 0);
			continue;
		}
		if (*list == '\\' && list[1])
			list++;
		g_string_append_c (text, *list);
	}
	return r == 0 ? take_text (command, text->str, f) : r;
}

/* The next argument, or NULL. */
static const char *shift (char ***more)
{
	return **more ? *(*more)++ : NULL;
}

/* --ro, --timeout=5 or --timeout 5. */
static int take_long (struct command *command, const char *text, char ***more, struct fault *f)
{
	size_t len = strcspn (text, "=");
	const struct word *word = find (text, len);
	const char *value = text[len] ? text + len + 1 : NULL;

	if (!word)
		return fault (f, EINVAL, "--%s is unknown, see domfs --help", text);
	return take (command, word, word->value && !value ? shift (more) : value, f);
}

static int take_letter (struct command *command, char letter, const char *value, struct fault *f)
{
	const struct word *word = by_letter (letter);

	if (letter == 'o')
		return value ? take_list (command, value, f) : fault (f, EINVAL, "-o wants words, see domfs --help");
	return word ? take (command, word, value, f) : fault (f, EINVAL, "-%c is unknown, see domfs --help", letter);
}

static bool wants_value (char letter)
{
	return letter == 'o' || (by_letter (letter) && by_letter (letter)->value);
}

/* -f, -fv, -oro or -o ro. */
static int take_letters (struct command *command, const char *letters, char ***more, struct fault *f)
{
	const char *value;
	int r = 0;

	for (; *letters && r == 0 && !wants_value (*letters); letters++)
		r = take_letter (command, *letters, NULL, f);
	if (!*letters || r < 0)
		return r;
	value = letters[1] ? letters + 1 : shift (more);
	return take_letter (command, *letters, value, f);
}

/* Options may come before, between and after the arguments, of which there are N in OUT. */
static int take_all (struct command *command, char **more, const char *out[2], int *n, struct fault *f)
{
	const char *text;
	bool plain = false;     /* after --, options look like arguments */
	int r = 0;

	while (r == 0 && (text = shift (&more))) {
		if (!plain && strcmp (text, "--") == 0)
			plain = true;
		else if (!plain && g_str_has_prefix (text, "--"))
			r = take_long (command, text + 2, &more, f);
		else if (!plain && *text == '-' && text[1])
			r = take_letters (command, text + 1, &more, f);
		else if ((*n)++ < 2)
			out[*n - 1] = text;
	}
	return r;
}

static int take_arguments (struct command *command, const char *const *argument, int n, struct fault *f)
{
	if (n != 2)
		return fault (f, EINVAL, "two arguments are wanted: domfs [options] SOURCE MOUNTPOINT");
	if (!*argument[0] || !*argument[1])
		return fault (f, EINVAL, "%s is empty", *argument[0] ? "MOUNTPOINT" : "SOURCE");
	command->setup.source = argument[0];
	command->setup.shown = redact (argument[0]);
	command->mountpoint = argument[1];
	return 0;
}

static void set_defaults (struct command *command)
{
	*command = (struct command) {
		.setup = { .job_timeout = 7200 },
		.cache = 1,
		.timeout = 30,
		.uid = getuid (),
		.gid = getgid (),
	};
}

/* Where nobody said, root's directories are the host's, anybody else's at home. */
static void set_directories (struct setup *setup)
{
	bool root = geteuid () == 0;

	if (!setup->state)
		setup->state = root ? "/var/lib/domfs" : g_build_filename (g_get_user_state_dir (), "domfs", NULL);
	if (!setup->saves)
		setup->saves = root ? "/var/lib/domfs/saves" : g_build_filename (g_get_user_data_dir (), "domfs", NULL);
}

enum status command_read (struct command *command, char **argv, struct fault *f)
{
	const char *argument[2];
	int n = 0, r;

	set_defaults (command);
	r = take_all (command, argv + 1, argument, &n, f);
	if (r == 0 && (command->help || command->version))
		return WELL;
	if (r == 0)
		r = take_arguments (command, argument, n, f);
	command->foreground |= command->debug;
	set_directories (&command->setup);
	return r == 0 ? WELL : USAGE;
}

static void help_line (const struct word *word, FILE *out)
{
	g_autofree char *value = word->value ? g_strconcat ("=", word->value, NULL) : g_strdup ("");
	g_autofree char *shape = word->letter ? g_strdup_printf ("-%c, --%s%s", word->letter, word->name, value)
					      : g_strdup_printf ("-o %s%s", word->name, value);

	fprintf (out, "  %-24s %s\n", shape, word->help);
}

void command_help (FILE *out)
{
	fputs ("usage: domfs [options] SOURCE MOUNTPOINT\n"
	       "Show the virtual machines of SOURCE, a libvirt URI such as qemu:///system, as directories.\n\n", out);
	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		if (words[i].help)
			help_line (&words[i], out);
	fputs ("\n-o takes words with commas between them; --WORD is the same as -o WORD.\n"
	       "End it by umount MOUNTPOINT or fusermount3 -u MOUNTPOINT. All is in man domfs.\n", out);
}
