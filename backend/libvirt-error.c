/* libvirt-error.c - what libvirt says, as an errno and a sentence
 *
 * libvirt's sentences begin with a phrase that says the code again; the errno does
 * that here, so it is cut.  Texts differ between versions and are never looked into,
 * but for the lock that another process has on an image: it has no code. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>
#include <libvirt/virterror.h>

#include "libvirt-error.h"

static const struct {
	int code, err;
	const char *phrase;
} meanings[] = {
	{ VIR_ERR_NO_DOMAIN,               ENOENT,     "Domain not found: " },
	{ VIR_ERR_NO_DOMAIN_SNAPSHOT,      ENOENT,     "Domain snapshot not found: " },
	{ VIR_ERR_NO_DOMAIN_CHECKPOINT,    ENOENT,     "Domain checkpoint not found: " },
	{ VIR_ERR_NO_DOMAIN_BACKUP,        ENOENT,     "Domain backup job id not found: " },
	{ VIR_ERR_OPERATION_INVALID,       EBUSY,      "Requested operation is not valid: " },
	{ VIR_ERR_OPERATION_TIMEOUT,       EBUSY,      "Timed out during operation: " },
	{ VIR_ERR_RESOURCE_BUSY,           EBUSY,      "resource busy: " },
	{ VIR_ERR_BLOCK_COPY_ACTIVE,       EBUSY,      "block copy still active: " },
	{ VIR_ERR_OPERATION_ABORTED,       EINTR,      "operation aborted: " },
	{ VIR_ERR_OPERATION_UNSUPPORTED,   EOPNOTSUPP, "Operation not supported: " },
	{ VIR_ERR_CONFIG_UNSUPPORTED,      EOPNOTSUPP, "unsupported configuration: " },
	{ VIR_ERR_ARGUMENT_UNSUPPORTED,    EOPNOTSUPP, "argument unsupported: " },
	{ VIR_ERR_NO_SUPPORT,              EOPNOTSUPP, "this function is not supported by the connection driver: " },
	{ VIR_ERR_DEVICE_MISSING,          ENOENT,     "device not found: " },
	{ VIR_ERR_INVALID_ARG,             EINVAL,     "invalid argument: " },
	{ VIR_ERR_XML_ERROR,               EINVAL,     "XML error: " },
	{ VIR_ERR_XML_DETAIL,              EINVAL,     "XML error: " },
	{ VIR_ERR_XML_INVALID_SCHEMA,      EINVAL,     "XML document failed to validate against schema: " },
	{ VIR_ERR_CHECKPOINT_INCONSISTENT, ENODATA,    "checkpoint inconsistent: " },
	{ VIR_ERR_AGENT_UNRESPONSIVE,      ETIMEDOUT,  "Guest agent is not responding: " },
	{ VIR_ERR_AGENT_UNSYNCED,          ETIMEDOUT,  "guest agent replied with wrong id to guest-sync command: " },
	{ VIR_ERR_SNAPSHOT_REVERT_RISKY,   EPERM,      "revert requires force: " },
	{ VIR_ERR_OPERATION_DENIED,        EROFS,      "operation forbidden: " },
	{ VIR_ERR_ACCESS_DENIED,           EACCES,     "access denied: " },
	{ VIR_ERR_AUTH_FAILED,             EACCES,     "authentication failed: " },
	{ VIR_ERR_AUTH_CANCELLED,          EACCES,     "authentication cancelled: " },
	{ VIR_ERR_AUTH_UNAVAILABLE,        EACCES,     "authentication unavailable: " },
	{ VIR_ERR_NO_MEMORY,               ENOMEM,     NULL },
	{ VIR_ERR_NO_CONNECT,              ENOTCONN,   NULL },
	{ VIR_ERR_INVALID_CONN,            ENOTCONN,   NULL },
	{ VIR_ERR_RPC,                     ENOTCONN,   NULL },
	{ VIR_ERR_INTERNAL_ERROR,          EIO,        "internal error: " },
	{ VIR_ERR_OPERATION_FAILED,        EIO,        "operation failed: " },
};

static bool is_transport (const virError *error)
{
	return (error->domain == VIR_FROM_RPC || error->domain == VIR_FROM_REMOTE) &&
	       (error->code == VIR_ERR_SYSTEM_ERROR || error->code == VIR_ERR_INTERNAL_ERROR);
}

/* A system call's errno goes on only where it means the same to our caller. */
static int system_errno (int err)
{
	static const int plain[] = { ENOSPC, EDQUOT, EACCES, EROFS, EFBIG };

	for (size_t i = 0; i < G_N_ELEMENTS (plain); i++)
		if (err == plain[i])
			return err;
	return EIO;
}

static int to_errno (const virError *error, const char **phrase)
{
	*phrase = NULL;
	if (is_transport (error))
		return ENOTCONN;
	if (error->code == VIR_ERR_SYSTEM_ERROR)
		return system_errno (error->int1);
	if (strstr (error->message, "Failed to get") && strstr (error->message, "lock"))
		return EBUSY;
	for (size_t i = 0; i < G_N_ELEMENTS (meanings); i++)
		if (error->code == meanings[i].code) {
			*phrase = meanings[i].phrase;
			return meanings[i].err;
		}
	return EIO;
}

/* One line, in lower case unless it begins with an abbreviation, without a full stop. */
static char *clean (const char *message, const char *phrase)
{
	char *text = g_strdup (phrase && g_str_has_prefix (message, phrase) ? message + strlen (phrase) : message);
	size_t len;

	g_strchomp (g_strdelimit (text, "\r\n\t", ' '));
	len = strlen (text);
	if (len > 0 && text[len - 1] == '.')
		text[len - 1] = '\0';
	if (len > 1 && !g_ascii_isupper (text[1]))
		text[0] = g_ascii_tolower (text[0]);
	return text;
}

int libvirt_fault (struct fault *f)
{
	const virError *error = virGetLastError ();
	g_autofree char *text = NULL;
	const char *phrase;
	int err;

	if (!error || !error->message)
		return fault (f, EIO, "libvirt failed and gave no reason");
	err = to_errno (error, &phrase);
	text = clean (error->message, phrase);
	return fault (f, err, "%s", text);
}
