/* Optimizer updates on the cpu backend: each segment cut into fixed chunks, every chunk updated by one thread. Included
 * by *_cpu.c only. */
#pragma once

#include "engine/backends/cpu/parallel.h"
#include "engine/optim/optimizer.h"

/* Runs update(call, segment) over pieces of all segments; elements are independent, so any cut gives the same bits. */
struct segments_job {
    const struct optimizer_call *call;
    void (*update)(const struct optimizer_call *call, const struct segment *piece);
};

static inline void segments_piece(void *context, int64_t index, int thread)
{
    (void)thread;
    const struct segments_job *job = context;
    for (int64_t i = 0; i < job->call->segments; i++) {
        const struct segment *s = &job->call->segment[i];
        int64_t chunks = parallel_chunks(s->count);
        if (index >= chunks) {
            index -= chunks;
            continue;
        }
        int64_t begin = index * PARALLEL_CHUNK;
        struct segment piece = {
            .offset = s->offset + begin, .count = parallel_end(index, s->count) - begin, .group = s->group};
        job->update(job->call, &piece);
        return;
    }
}

static inline void segments_run(const struct optimizer_call *call,
                                void (*update)(const struct optimizer_call *, const struct segment *))
{
    struct segments_job job = {call, update};
    int64_t pieces = 0;
    for (int64_t i = 0; i < call->segments; i++) pieces += parallel_chunks(call->segment[i].count);
    pool_run(call->pool, pieces, segments_piece, &job);
}
