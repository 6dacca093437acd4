/* log.h - what administrators read: stderr in the foreground, else syslog */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

/* Say one line, with a priority of syslog's; LOG_INFO and below only to who wants to hear it.
 * From any thread.  Of very many within a second only the first are said, and how many were not. */
void log_say (int priority, const char *format, ...)
	__attribute__ ((format (printf, 2, 3)));
void log_say_all (int priority, const char *format, va_list);

void log_verbose (void);                /* LOG_INFO too */
void log_to_syslog (void);              /* from now on */
