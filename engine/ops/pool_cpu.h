/* Pooling on the cpu backend: one sample per chunk, channels inside. Included by *_cpu.c only. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/pool2d.h"

struct pool_job {
    const struct call *call;
    struct pool_sizes sizes;
};

static inline void pool_samples(const struct call *call, const struct step *step, void (*work)(void *, int64_t, int))
{
    struct pool_job job = {call, pool_sizes(call->node)};
    pool_run(step->pool, step->n, work, &job);
}
