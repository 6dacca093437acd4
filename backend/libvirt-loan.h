/* libvirt-loan.h - a connection for each thread that asks */
#pragma once

#include "libvirt.h"

/* Another connection, with keepalive, or NULL and a fault.  Blocks for as long as a daemon is stopped. */
virConnectPtr loan_open (const struct setup *, struct fault *);

/* One count of this thread's own connection, which is opened if it has none that is alive. */
virConnectPtr loan_take (const struct setup *, struct fault *);

/* This thread asks no more; its end does the same. */
void loan_return (void);

/* The daemon was lost: nobody gets a connection again that was opened before. */
void loan_recall (void);
