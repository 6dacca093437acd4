/* command.c - what the command line says
 *
 * All options are in one table, which GOption reads them by.  A word of -o is handed
 * back to it as --WORD, so that whatever the shell can ask for fstab can too. */

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <fuse_opt.h>

#include "command.h"
#include "redact.h"

struct word {
	char letter;            /* -f; or 0 */
	const char *name;       /* --NAME and -o NAME; "": the arguments */
	const char *value;      /* how --help calls it; NULL: it takes none */
	int (*take) (const struct word *, const char *value, void *field, struct fault *);
	size_t field;           /* of struct command */
	const char *help;       /* NULL: who needs it knows it */
};

static int parse (struct command *, char **argv, struct fault *);

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

static int wrong_number (struct fault *f)
{
	return fault (f, EINVAL, "two arguments are wanted: domfs [options] SOURCE MOUNTPOINT");
}

/* SOURCE, and then MOUNTPOINT. */
static int argument (const struct word *word, const char *value, void *field, struct fault *f)
{
	struct command *command = field;
	bool first = !command->setup.source;

	(void) word;
	if (command->mountpoint)
		return wrong_number (f);
	if (!*value)
		return fault (f, EINVAL, "%s is empty", first ? "SOURCE" : "MOUNTPOINT");
	*(first ? &command->setup.source : &command->mountpoint) = g_intern_string (value);       /* lives on */
	return 0;
}

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

static bool is_ignored (const char *text)
{
	return !*text || g_strv_contains (ignored, text) || g_str_has_prefix (text, "x-") ||
	       g_str_has_prefix (text, "comment=");
}

struct list {
	struct command *command;
	struct fault *f;
};

/* One of -o: "ro" or "timeout=5". */
static int take_text (void *data, const char *text, int key, struct fuse_args *rest)
{
	const struct list *list = data;
	g_autofree char *option = g_strconcat ("--", text, NULL);

	(void) key;
	(void) rest;
	if (is_ignored (text) || parse (list->command, (char *[]) { (char *) "domfs", option, NULL }, list->f) == 0)
		return 0;
	return -1;
}

/* Commas are libfuse's: one that is part of a value has a backslash before it. */
static int texts (const struct word *word, const char *value, void *field, struct fault *f)
{
	char *argv[] = { (char *) "domfs", (char *) "-o", (char *) value, NULL };
	struct fuse_args args = FUSE_ARGS_INIT (3, argv);
	int r = fuse_opt_parse (&args, &(struct list) { field, f }, NULL, take_text);

	(void) word;
	fuse_opt_free_args (&args);
	return r;
}

#define AT(field) offsetof (struct command, field)

/* clang-format off */
static const struct word words[] = {
	{ 'f', "foreground",      NULL,      yes,     AT (foreground),            "stay in the foreground" },
	{ 'd', "debug",           NULL,      yes,     AT (debug),                 "in the foreground, say each request" },
	{ 'v', "verbose",         NULL,      yes,     AT (verbose),               "say what was done, not only what failed" },
	{ 'r', "ro",              NULL,      yes,     AT (setup.read_only),       "look, but change nothing" },
	{ 'P', "pid-file",        "FILE",    path,    AT (pid_file),              "holds the process id while it is mounted" },
	{ 'V', "version",         NULL,      yes,     AT (version),               "print its version and its libraries'" },
	{ 'o', "options",         "WORDS",   texts,   0,                          "with commas between: -o WORD is --WORD" },
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
	{ 0,   G_OPTION_REMAINING, "SOURCE MOUNTPOINT", argument, 0,              NULL },
	{ 0,   "rw",              NULL,      no,      AT (setup.read_only),       NULL },
	{ 0,   "default_permissions", NULL,  yes,     AT (default_permissions),   NULL },
	{ 0,   "auto_unmount",    NULL,      never,   0,                          NULL },
};
/* clang-format on */

/* OPTION is "--timeout", "--timeout=5" or "-f", and "" for an argument. */
static bool is_called (const struct word *word, const char *option)
{
	const char *name = g_str_has_prefix (option, "--") ? option + 2 : option;
	size_t len = strcspn (name, "=");

	if (*name == '-')
		return word->letter == name[1];
	return strlen (word->name) == len && memcmp (word->name, name, len) == 0;
}

static const struct word *find (const char *option)
{
	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		if (is_called (&words[i], option))
			return &words[i];
	return NULL;
}

static gboolean take (const char *option, const char *value, void *command, GError **error)
{
	const struct word *word = find (option);
	struct fault f;

	if (word->take (word, value, (char *) command + word->field, &f) == 0)
		return TRUE;
	g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, f.text);
	return FALSE;
}

static GOptionEntry entry (const struct word *word)
{
	int flags = word->value ? G_OPTION_FLAG_FILENAME : G_OPTION_FLAG_NO_ARG;

	return (GOptionEntry) { word->name, word->letter, word->help ? flags : flags | G_OPTION_FLAG_HIDDEN,
				G_OPTION_ARG_CALLBACK, (void *) take, word->help, word->value };
}

static GOptionContext *context_new (struct command *command)
{
	GOptionContext *context = g_option_context_new (NULL);
	GOptionGroup *all = g_option_group_new ("domfs", NULL, NULL, command, NULL);
	GOptionEntry entries[G_N_ELEMENTS (words) + 1] = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
		entries[i] = entry (&words[i]);
	g_option_group_add_entries (all, entries);
	g_option_context_set_main_group (context, all);
	g_option_context_set_summary (context, "Show the virtual machines of SOURCE, a libvirt URI such as "
					       "qemu:///system, as directories.");
	g_option_context_set_description (context, "End it by umount MOUNTPOINT or fusermount3 -u MOUNTPOINT. "
						   "All is in man domfs.\n");
	return context;
}

/* GOption does not know -oro, which is --options=ro, and would take --ro=no for --ro. */
static int straighten (char **arg, struct fault *f)
{
	for (; *arg && strcmp (*arg, "--") != 0; arg++) {
		g_autofree char *was = *arg;
		const struct word *word = *was == '-' ? find (was) : NULL;

		*arg = g_str_has_prefix (was, "-o") && was[2] ? g_strconcat ("--options=", was + 2, NULL) : g_strdup (was);
		if (word && !word->value && strchr (was, '='))
			return fault (f, EINVAL, "%s takes no value", word->name);
	}
	return 0;
}

static int parse (struct command *command, char **argv, struct fault *f)
{
	g_autoptr (GOptionContext) context = context_new (command);
	g_auto (GStrv) args = g_strdupv (argv);
	g_autoptr (GError) error = NULL;

	if (straighten (args, f) < 0)
		return -f->err;
	if (g_option_context_parse_strv (context, &args, &error))
		return 0;
	return fault (f, EINVAL, error->code == G_OPTION_ERROR_FAILED ? "%s" : "%s, see domfs --help", error->message);
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
	set_defaults (command);
	if (parse (command, argv, f) < 0)
		return USAGE;
	if (command->version)
		return WELL;
	if (!command->mountpoint) {
		wrong_number (f);
		return USAGE;
	}
	command->setup.shown = redact (command->setup.source);
	command->foreground |= command->debug;
	set_directories (&command->setup);
	return WELL;
}
