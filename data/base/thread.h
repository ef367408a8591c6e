/* Threads: named, with signals blocked (only the main thread takes signals), and how many cores this process may use.
 */
#pragma once

#include "data/base/err.h"

#include <pthread.h>

/* Starts a joinable thread named `name` (at most 15 characters are shown by the system), all signals blocked in it. */
enum lt_err thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context) LT_MUST_CHECK;

/* Lowers the calling thread's priority by `levels` nice levels; best effort. */
void thread_nice(int levels);

/* Cores this process may use: the scheduler's affinity mask, further limited by the cgroup's CPU quota; at least 1. */
int thread_cores(void);
