/* words.h - the words of a wish: what a new name means */
#pragma once

#include "fault.h"
#include "wish.h"

/* May a new moment of KIND be called NAME?  EINVAL or ENAMETOOLONG if not. */
int words_check (enum moment kind, const char *name, struct fault *);

/* Split NAME into WISH, whose words are in BUF, of NAME_MAX + 1. */
int words_parse (enum moment kind, const char *name, char *buf, struct wish *, struct fault *);

/* The same of a moment that exists; a name that is none of ours means nothing more. */
void words_read (enum moment kind, const char *name, char *buf, struct wish *);
