/* Batch norm over NHWC, and the activation behind it (batch_norm_cpu.h). */
#include "engine/ops/batch_norm_cpu.h"

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    return norm_workspace(node);
}

static void sum_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct norm *job = context;
    double *sum = job->sums + n * NORM_SUMS * job->c;
    memset(sum, 0, (size_t)(NORM_SUMS * job->c) * sizeof *sum);
    norm_sum_rows(job, sum, (const element *)job->call->in[0].data + n * job->pixels * job->c, job->pixels);
}

static void input_gradient(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct norm *job = context;
    const int64_t at = n * job->pixels * job->c;
    norm_backward_rows(job, (element *)job->call->din[0].data + at, (const element *)job->call->dout[0].data + at,
                       (const element *)job->call->in[0].data + at, job->pixels);
}

static void normalize(struct norm *job, struct pool *pool)
{
    const struct call *call = job->call;
    job->stream = call->out[0].data != call->in[0].data &&
                  element_streams(call->out[0].data, job->c, job->n * job->pixels, job->c);
    pool_run(pool, job->n, norm_sample, job);
}

static void forward(const struct call *call, const struct step *step)
{
    struct norm job = norm_of(call, step);
    if (job.on_batch) {
        const element *pivot = call->in[0].data; /* the first pixel */
        for (int64_t k = 0; k < job.c; k++) job.numbers[k] = element_value(pivot[k]);
        pool_run(step->pool, job.n, sum_sample, &job);
        ++*(int64_t *)call->in[5].data;
    }
    pool_run(step->pool, norm_blocks(&job), norm_resolve, &job);
    normalize(&job, step->pool);
}

static void evaluate(const struct call *call, const struct step *step)
{
    struct norm job = norm_of(call, step);
    job.on_batch = false;
    pool_run(step->pool, norm_blocks(&job), norm_resolve, &job);
    normalize(&job, step->pool);
}

/* y again, from what the last forward saved. */
static void recompute(const struct call *call, const struct step *step)
{
    struct norm job = norm_of(call, step);
    norm_restore(&job);
    normalize(&job, step->pool);
}

static void backward(const struct call *call, const struct step *step)
{
    struct norm job = norm_of(call, step);
    norm_begin_backward(&job, step->pool);
    if (call->din[0].data) pool_run(step->pool, job.n, input_gradient, &job);
}

extern const struct kernel ISA_NAME(batch_norm_cpu);
const struct kernel ISA_NAME(batch_norm_cpu) = {
    .forward = forward, .backward = backward, .evaluate = evaluate, .recompute = recompute, .workspace = workspace};
