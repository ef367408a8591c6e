/* y = x * weight[c]. dx may lie over dy, so the sums of the weight's gradient are formed first. Workspace: double
 * [batch][c]. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"
#include "engine/ops/op.h"

struct job {
    const struct call *call;
    int64_t rows, c;
    double *sums; /* [batch][c] */
};

static struct job make_job(const struct call *call)
{
    const struct shape x = call->in[0].shape;
    const int64_t c = shape_count(call->in[1].shape);
    return (struct job){call, shape_count(x) / x.size[0] / c, c, call->workspace};
}

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    return (size_t)(node->in[0]->shape.size[0] * shape_count(node->in[1]->shape)) * sizeof(double);
}

static void multiply(element *to, const element *from, const float *weight, int64_t c)
{
#define MULTIPLY(k, n)                                                                                                 \
    element_store_some(to + (k), element_load_some(from + (k), n) * vec_load_some(weight + (k), n), n)
    EACH_VECTOR(c, MULTIPLY);
#undef MULTIPLY
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *x = job->call->in[0].data;
    const float *weight = job->call->in[1].data;
    element *y = job->call->out[0].data;
    for (int64_t r = n * job->rows; r < (n + 1) * job->rows; r++)
        multiply(y + r * job->c, x + r * job->c, weight, job->c);
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *x = job->call->in[0].data, *dy = job->call->dout[0].data;
    const float *weight = job->call->in[1].data;
    element *dx = job->call->din[0].data;
    double *restrict sum = job->sums + n * job->c;
    memset(sum, 0, (size_t)job->c * sizeof *sum);
    for (int64_t r = n * job->rows; r < (n + 1) * job->rows; r++) {
        for (int64_t k = 0; k < job->c; k++)
            sum[k] += (double)(element_value(dy[r * job->c + k]) * element_value(x[r * job->c + k]));
        if (dx) multiply(dx + r * job->c, dy + r * job->c, weight, job->c);
    }
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    pool_run(step->pool, step->n, forward_sample, &job);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    float *dw = call->din[1].data;
    const int leaves = leaf_count(call->in[0].shape.size[0]);
    pool_run(step->pool, step->n, backward_sample, &job);
    for (int64_t k = 0; dw && k < job.c; k++) {
        double leaf[LEAVES_MAX] = {0};
        for (int64_t n = 0; n < step->n; n++) leaf[n % leaves] += job.sums[n * job.c + k];
        LEAVES_COMBINE(double, leaf, leaves, 1);
        dw[k] = (float)leaf[0];
    }
}

extern const struct kernel ISA_NAME(scale_cpu);
const struct kernel ISA_NAME(scale_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
