/* Cutting arrays into chunks for the pool. The cut depends on sizes alone, never on the number of threads. Included by
 * *_cpu.c only. */
#pragma once

#include "engine/backends/pool.h"

#include <stdint.h>

/* Elements of one chunk of an elementwise pass: 64 KB of floats, enough to hide the hand-over. */
enum { PARALLEL_CHUNK = 16384 };

static inline int64_t parallel_chunks(int64_t count)
{
    return (count + PARALLEL_CHUNK - 1) / PARALLEL_CHUNK;
}
static inline int64_t parallel_end(int64_t chunk, int64_t count)
{
    return (chunk + 1) * PARALLEL_CHUNK < count ? (chunk + 1) * PARALLEL_CHUNK : count;
}
