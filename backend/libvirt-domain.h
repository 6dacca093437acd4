/* libvirt-domain.h - the verbs of domains under libvirt */
#pragma once

#include "libvirt.h"

int libvirt_domains (struct backend *, struct listing *, struct fault *);
int libvirt_domain_xml (struct backend *, const char *domain, GString *, struct fault *);
