/* libvirt-domain.h - the verbs of domains under libvirt; see include/backend.h */
#pragma once

#include "libvirt.h"

int libvirt_domains (struct backend *, struct listing *, struct fault *);
int libvirt_domain_xml (struct backend *, const char *domain, GString *, struct fault *);
int libvirt_disks (struct backend *, const char *domain, struct listing *, struct fault *);
int libvirt_sizes (struct backend *, const char *domain, struct listing *, struct fault *);
int libvirt_set_state (struct backend *, const char *domain, const char *state, struct fault *);
