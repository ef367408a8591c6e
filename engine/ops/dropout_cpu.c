/* y = mask * x / (1 - p), the mask of drop.h. */
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/drop.h"

#include <string.h>

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
    struct rng rng = drop_rng(drop, job->step, job->step->sample[n]);
    for (int64_t i = n * job->row; i < (n + 1) * job->row; i++)
        job->to[i] = element_of((double)rng_uniform(&rng) < drop->p ? 0 : element_value(job->from[i]) * scale);
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

extern const struct kernel ISA_NAME(dropout_cpu);
const struct kernel ISA_NAME(dropout_cpu) = {.forward = forward, .backward = backward, .evaluate = evaluate};
