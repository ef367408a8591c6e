/* What dropout and stochastic depth share on the CPU: samples side by side, copied when evaluating. The file that
 * includes this defines drop_row. Implementers' header. Thread: the pool's. */
#pragma once

#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/drop.h"

#include <string.h>

/* to = mask * from * scale for the `count` elements of one sample, the mask by its numbers: dropped when < p. */
static void drop_row(element *to, const element *from, int64_t count, struct rng rng, double p, float scale);

struct job {
    const struct call *call;
    const struct step *step;
    element *to;
    const element *from;
    int64_t row;
};

static void drop_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct drop *drop = job->call->node->options;
    const float scale = drop->p < 1 ? (float)(1 / (1 - drop->p)) : 0;
    drop_row(job->to + n * job->row, job->from + n * job->row, job->row,
             drop_rng(drop, job->step, job->step->sample[n]), drop->p, scale);
}

static void copy_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    if (job->to != job->from)
        memcpy(job->to + n * job->row, job->from + n * job->row, (size_t)job->row * sizeof *job->to);
}

static void run(const struct call *call, const struct step *step, struct tensor to, struct tensor from,
                void (*work)(void *, int64_t, int))
{
    struct job job = {call, step, to.data, from.data, shape_count(from.shape) / from.shape.size[0]};
    pool_run(step->pool, step->n, work, &job);
}

static void forward(const struct call *call, const struct step *step)
{
    run(call, step, call->out[0], call->in[0], drop_sample);
}

static void backward(const struct call *call, const struct step *step)
{
    run(call, step, call->din[0], call->dout[0], drop_sample);
}

static void evaluate(const struct call *call, const struct step *step)
{
    run(call, step, call->out[0], call->in[0], copy_sample);
}
