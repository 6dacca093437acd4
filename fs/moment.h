/* moment.h - handlers of the rows about snapshots and backups */
#pragma once

#include "place.h"

int moment_list (const struct place *, struct listing **, struct fault *);
int moment_make (const struct place *, const char *name, struct fault *);
int moment_drop (const struct place *, const char *name, struct fault *);
int moment_revert (const struct place *, const char *, const struct place *, const char *, struct fault *);

int moment_xml (const struct place *, GString *, struct fault *);
int moment_domain_xml (const struct place *, GString *, struct fault *);
int moment_state (const struct place *, GString *, struct fault *);
int moment_description (const struct place *, GString *, struct fault *);
int moment_describe (const struct place *, const char *text, struct fault *);

int moment_current (const struct place *, struct listing **, struct fault *);
int moment_has_parent (const struct place *, struct fault *);
int moment_parent (const struct place *, GString *, struct fault *);
