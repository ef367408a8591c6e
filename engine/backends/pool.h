/* The compute threads of a device: parked between steps, a brief spin before sleeping. Work is cut into chunks fixed by
 * shape and taken dynamically, so a busy core slows only its own chunks; results must not depend on who took which
 * chunk. Thread: pool_run is called from one thread at a time, which works along. */
#pragma once

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct pool;

/* A pool of `threads` including the caller; 0 = thread_cores(). */
enum lt_err pool_new(struct pool **self, int threads) LT_MUST_CHECK;
void pool_free(struct pool *self);
int pool_threads(const struct pool *self);

/* Runs work(context, chunk, thread) for every chunk in 0 … chunks-1; returns when all are done. `thread` is 0 …
 * threads-1 and unique among the calls running at one time: the index of a private piece of workspace. */
void pool_run(struct pool *self, int64_t chunks, void (*work)(void *context, int64_t chunk, int thread), void *context);
