/* The class token and the patches, each with its position's embedding. Gradients of parameters are summed by leaves,
 * one token at a time. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"
#include "engine/ops/op.h"

struct job {
    const struct call *call;
    int64_t n, batch, s, d;
};

static struct job make_job(const struct call *call, const struct step *step)
{
    const int64_t *positions = call->in[2].shape.size;
    return (struct job){call, step->n, call->in[0].shape.size[0], positions[1], positions[2]};
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *x = (const element *)job->call->in[0].data + n * (job->s - 1) * job->d;
    const float *first = job->call->in[1].data, *position = job->call->in[2].data;
    element *y = (element *)job->call->out[0].data + n * job->s * job->d;
    const int64_t d = job->d, rest = (job->s - 1) * d;
#define CLASS(k, count)                                                                                                \
    element_store_some(y + (k), vec_load_some(first + (k), count) + vec_load_some(position + (k), count), count)
    EACH_VECTOR(d, CLASS);
#undef CLASS
#define PATCH(k, count)                                                                                                \
    element_store_some(y + d + (k), element_load_some(x + (k), count) + vec_load_some(position + d + (k), count), count)
    EACH_VECTOR(rest, PATCH);
#undef PATCH
}

/* One token's gradient summed over the samples; the first is the class token's as well. */
static void sum_token(void *context, int64_t token, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *dy = (const element *)job->call->dout[0].data + token * job->d;
    float *first = job->call->din[1].data, *position = job->call->din[2].data;
    const int leaves = leaf_count(job->batch);
    for (int64_t k = 0; k < job->d; k++) {
        double leaf[LEAVES_MAX] = {0};
        for (int64_t n = 0; n < job->n; n++) leaf[n % leaves] += (double)element_value(dy[n * job->s * job->d + k]);
        LEAVES_COMBINE(double, leaf, leaves, 1);
        if (position) position[token * job->d + k] = (float)leaf[0];
        if (first && token == 0) first[k] = (float)leaf[0];
    }
}

static void input_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const int64_t count = (job->s - 1) * job->d;
    memcpy((element *)job->call->din[0].data + n * count,
           (const element *)job->call->dout[0].data + n * job->s * job->d + job->d, (size_t)count * sizeof(element));
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    pool_run(step->pool, job.n, forward_sample, &job);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    pool_run(step->pool, job.s, sum_token, &job);
    if (call->din[0].data) pool_run(step->pool, job.n, input_sample, &job);
}

extern const struct kernel ISA_NAME(tokens_cpu);
const struct kernel ISA_NAME(tokens_cpu) = {.forward = forward, .backward = backward};
