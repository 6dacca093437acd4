/* glance.h - what is looked at every now and then */
#pragma once

#include <stdbool.h>

/* Embed this. */
struct glance {
	bool (*look) (struct glance *);         /* on a thread of its own, every 50 ms until it is false */
};

/* Begin to look, soon; from any thread.  It lives until look() is false. */
void glance_begin (struct glance *);
