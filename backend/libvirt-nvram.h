/* libvirt-nvram.h - the variables of a UEFI guest's firmware
 *
 * A file beside the disks, of which no job of libvirt's knows. */
#pragma once

#include <glib.h>

#include "fault.h"

/* Those of the domain that XML defines, which may be RUNNING; *OUT, the caller's, stays NULL if it has
 * none.  EACCES, EFBIG, EBUSY, ... and why they cannot be read. */
int libvirt_nvram (const char *xml, bool running, GString **out, struct fault *);
