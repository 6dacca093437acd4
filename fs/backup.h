/* backup.h - handlers of the rows about a backup */
#pragma once

#include "place.h"

int backup_type (const struct place *, GString *, struct fault *);
