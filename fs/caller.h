/* caller.h - whoever waits for an answer */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Of a thread that the kernel says was interrupted: was it by something that it should give up for? */
bool caller_gives_up (pid_t thread);
