/* redact.h - a source that everybody may see */
#pragma once

/* SOURCE without the password of "scheme://user:password@host/"; the caller frees it. */
char *redact (const char *source);
