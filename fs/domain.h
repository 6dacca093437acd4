/* domain.h - handlers of the rows about a domain itself */
#pragma once

#include "place.h"

int domain_list (const struct place *, struct listing **, struct fault *);
int domain_xml (const struct place *, GString *, struct fault *);
int domain_disks (const struct place *, GString *, struct fault *);
int domain_disks_stat (const struct place *, struct stat *, struct fault *);
int domain_state (const struct place *, GString *, struct fault *);
int domain_set_state (const struct place *, const char *text, struct fault *);
