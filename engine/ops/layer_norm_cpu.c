/* Layer norm: a row is summed in vectors, two passes over it while it lies in the cache. The gradients of weight and
 * bias are summed in double for each sample, then by leaves. Workspace: double [batch][2][c]. */
#include "engine/ops/layer_norm.h"

#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"

#include <math.h>

struct job {
    const struct call *call;
    int64_t n, batch, rows, c; /* rows of one sample */
    double *sums;              /* [batch][2][c] */
};

static struct job make_job(const struct call *call, const struct step *step)
{
    const struct shape x = call->in[0].shape;
    const int64_t c = call->in[1].shape.size[0];
    return (struct job){.call = call,
                        .n = step->n,
                        .batch = x.size[0],
                        .rows = shape_count(x) / x.size[0] / c,
                        .c = c,
                        .sums = call->workspace};
}

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    return (size_t)(node->in[0]->shape.size[0] * 2 * node->in[1]->shape.size[0]) * sizeof(double);
}

static float sum_of(vec v)
{
    float sum = 0;
    for (int i = 0; i < VEC; i++) sum += v[i];
    return sum;
}

/* ---- forward ---- */

static void forward_row(const struct job *job, int64_t r)
{
    const struct layer_norm_numbers *o = job->call->node->options;
    const element *x = (const element *)job->call->in[0].data + r * job->c;
    const float *weight = job->call->in[1].data, *bias = job->call->in[2].data;
    element *y = (element *)job->call->out[0].data + r * job->c;
    vec sum = {0}, squares = {0};
#define SUM(k, count) sum += element_load_some(x + (k), count)
    EACH_VECTOR(job->c, SUM);
#undef SUM
    const float mean = sum_of(sum) / (float)job->c;
    int64_t at = 0;
    for (; at + VEC <= job->c; at += VEC) {
        const vec d = element_load(x + at) - vec_set(mean);
        squares += d * d;
    }
    float rest = 0;
    for (; at < job->c; at++) rest += (element_value(x[at]) - mean) * (element_value(x[at]) - mean);
    const float variance = (sum_of(squares) + rest) / (float)job->c,
                scale = (float)(1 / sqrt((double)variance + o->eps));
#define NORMALIZE(k, count)                                                                                            \
    element_store_some(y + (k),                                                                                        \
                       (element_load_some(x + (k), count) - vec_set(mean)) * vec_set(scale) *                          \
                               vec_load_some(weight + (k), count) +                                                    \
                           vec_load_some(bias + (k), count),                                                           \
                       count)
    EACH_VECTOR(job->c, NORMALIZE);
#undef NORMALIZE
    ((float *)job->call->saved[0].data)[r] = mean;
    ((float *)job->call->saved[1].data)[r] = scale;
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    for (int64_t r = n * job->rows; r < (n + 1) * job->rows; r++) forward_row(job, r);
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    pool_run(step->pool, job.n, forward_sample, &job);
}

/* ---- backward ---- */

/* dx = scale (g - mean(g) - xhat mean(g xhat)), g = dy weight. */
static void backward_row(const struct job *job, int64_t r)
{
    const element *x = (const element *)job->call->in[0].data + r * job->c,
                  *dy = (const element *)job->call->dout[0].data + r * job->c;
    const float *weight = job->call->in[1].data;
    const vec mean = vec_set(((const float *)job->call->saved[0].data)[r]),
              scale = vec_set(((const float *)job->call->saved[1].data)[r]);
    element *dx = (element *)job->call->din[0].data + r * job->c;
    vec sum = {0}, product = {0};
#define SUM(k, count)                                                                                                  \
    {                                                                                                                  \
        const vec g = element_load_some(dy + (k), count) * vec_load_some(weight + (k), count);                         \
        sum += g;                                                                                                      \
        product += g * ((element_load_some(x + (k), count) - mean) * scale);                                           \
    }
    EACH_VECTOR(job->c, SUM);
#undef SUM
    const vec mean_g = vec_set(sum_of(sum) / (float)job->c), mean_product = vec_set(sum_of(product) / (float)job->c);
#define GRADIENT(k, count)                                                                                             \
    element_store_some(dx + (k),                                                                                       \
                       scale * (element_load_some(dy + (k), count) * vec_load_some(weight + (k), count) - mean_g -     \
                                (element_load_some(x + (k), count) - mean) * scale * mean_product),                    \
                       count)
    EACH_VECTOR(job->c, GRADIENT);
#undef GRADIENT
}

/* Adds a row's part of the gradients of weight and bias. */
static void sum_row(const struct job *job, double *sum, int64_t r)
{
    const element *x = (const element *)job->call->in[0].data + r * job->c,
                  *dy = (const element *)job->call->dout[0].data + r * job->c;
    const float mean = ((const float *)job->call->saved[0].data)[r],
                scale = ((const float *)job->call->saved[1].data)[r];
    double *restrict weight = sum, *restrict bias = sum + job->c;
    for (int64_t k = 0; k < job->c; k++) {
        const float g = element_value(dy[k]);
        weight[k] += (double)(g * ((element_value(x[k]) - mean) * scale));
        bias[k] += (double)g;
    }
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    double *sum = job->sums + n * 2 * job->c;
    memset(sum, 0, (size_t)(2 * job->c) * sizeof *sum);
    for (int64_t r = n * job->rows; r < (n + 1) * job->rows; r++) {
        sum_row(job, sum, r);
        if (job->call->din[0].data) backward_row(job, r);
    }
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    const int leaves = leaf_count(job.batch);
    float *to[2] = {call->din[1].data, call->din[2].data};
    pool_run(step->pool, job.n, backward_sample, &job);
    for (int which = 0; which < 2; which++)
        for (int64_t k = 0; to[which] && k < job.c; k++) {
            double leaf[LEAVES_MAX] = {0};
            for (int64_t n = 0; n < job.n; n++) leaf[n % leaves] += job.sums[(n * 2 + which) * job.c + k];
            LEAVES_COMBINE(double, leaf, leaves, 1);
            to[which][k] = (float)leaf[0];
        }
}

extern const struct kernel ISA_NAME(layer_norm_cpu);
const struct kernel ISA_NAME(layer_norm_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
