/* Elementwise ops of one input on the cpu backend: each gives its function and slope on vectors; the loops are here.
 * Included by *_cpu.c only. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/cpu/parallel.h"
#include "engine/ops/op.h"

struct elementwise_job {
    element *to;
    const element *x, *dy; /* dy NULL: forward */
    int64_t count;
};

/* Elements of n samples. */
static inline int64_t elementwise_count(struct tensor t, const struct step *step)
{
    return shape_count(t.shape) / t.shape.size[0] * step->n;
}

#define ELEMENTWISE_KERNELS(name, function, slope, source)                                                             \
    static inline __attribute__((always_inline)) void one_vector(const struct elementwise_job *job, int64_t i,         \
                                                                 int64_t count)                                        \
    {                                                                                                                  \
        const vec x = element_read_some(job->x + i, count);                                                            \
        element_store_some(job->to + i, job->dy ? element_read_some(job->dy + i, count) * slope(x) : function(x),      \
                           count);                                                                                     \
    }                                                                                                                  \
    static void chunk(void *context, int64_t index, int thread)                                                        \
    {                                                                                                                  \
        (void)thread;                                                                                                  \
        const struct elementwise_job *job = context;                                                                   \
        int64_t i = index * PARALLEL_CHUNK, end = parallel_end(index, job->count);                                     \
        for (; i + VEC <= end; i += VEC) one_vector(job, i, VEC);                                                      \
        if (i < end) one_vector(job, i, end - i);                                                                      \
    }                                                                                                                  \
    static void forward(const struct call *call, const struct step *step)                                              \
    {                                                                                                                  \
        struct elementwise_job job = {call->out[0].data, call->in[0].data, NULL,                                       \
                                      elementwise_count(call->in[0], step)};                                           \
        pool_run(step->pool, parallel_chunks(job.count), chunk, &job);                                                 \
    }                                                                                                                  \
    static void backward(const struct call *call, const struct step *step)                                             \
    {                                                                                                                  \
        struct elementwise_job job = {call->din[0].data, call->source.data, call->dout[0].data,                        \
                                      elementwise_count(call->dout[0], step)};                                         \
        pool_run(step->pool, parallel_chunks(job.count), chunk, &job);                                                 \
    }                                                                                                                  \
    extern const struct kernel ISA_NAME(name##_cpu);                                                                   \
    const struct kernel ISA_NAME(name##_cpu) = {.forward = forward, .backward = backward};
