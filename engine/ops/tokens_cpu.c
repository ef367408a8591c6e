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
    const float *x = (const float *)job->call->in[0].data + n * (job->s - 1) * job->d, *first = job->call->in[1].data,
                *position = job->call->in[2].data;
    float *y = (float *)job->call->out[0].data + n * job->s * job->d;
    for (int64_t k = 0; k < job->d; k++) y[k] = first[k] + position[k];
    for (int64_t i = 0; i < (job->s - 1) * job->d; i++) y[job->d + i] = x[i] + position[job->d + i];
}

/* One token's gradient summed over the samples; the first is the class token's as well. */
static void sum_token(void *context, int64_t token, int thread)
{
    (void)thread;
    const struct job *job = context;
    const float *dy = (const float *)job->call->dout[0].data + token * job->d;
    float *first = job->call->din[1].data, *position = job->call->din[2].data;
    const int leaves = leaf_count(job->batch);
    for (int64_t k = 0; k < job->d; k++) {
        double leaf[LEAVES_MAX] = {0};
        for (int64_t n = 0; n < job->n; n++) leaf[n % leaves] += (double)dy[n * job->s * job->d + k];
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
    memcpy((float *)job->call->din[0].data + n * count,
           (const float *)job->call->dout[0].data + n * job->s * job->d + job->d, (size_t)count * sizeof(float));
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
