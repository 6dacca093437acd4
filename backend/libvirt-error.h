/* libvirt-error.h - what libvirt says, as an errno and a sentence */
#pragma once

#include "fault.h"

/* Fill in F with what libvirt's last call in this thread said, and return -errno.  Ask
 * before any handle is freed: that forgets it. */
int libvirt_fault (struct fault *f);
