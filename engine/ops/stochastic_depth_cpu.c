/* Whole samples dropped: y = mask(sample) * x / (1 - p), the mask of drop.h. */
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
    const float factor = (double)rng_uniform(&rng) < drop->p ? 0 : scale;
    const element *from = job->from + n * job->row;
    element *to = job->to + n * job->row;
#define SCALE(k, count) element_store_some(to + (k), element_load_some(from + (k), count) * vec_set(factor), count)
    EACH_VECTOR(job->row, SCALE);
#undef SCALE
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

extern const struct kernel ISA_NAME(stochastic_depth_cpu);
const struct kernel ISA_NAME(stochastic_depth_cpu) = {.forward = forward, .backward = backward, .evaluate = evaluate};
