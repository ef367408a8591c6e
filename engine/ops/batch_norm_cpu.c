/* Batch norm over NHWC. Two sums per channel are formed for each sample (float within 64 pixels, double across), then
 * combined by leaves. Forward sums x - p and (x - p)^2 with a pivot p from the data, so that a large mean costs no
 * digits. Workspace: double [batch][2][c], then float [3][c]. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/leaves.h"

#include <math.h>

enum { TILE = 64, CHANNELS = 64, SUMS = 3 };

struct job {
    const struct call *call;
    int64_t n, batch, pixels, c; /* pixels of one sample */
    double *sums;                /* [batch][SUMS][c] */
    float *numbers;              /* [4][c] */
    bool on_batch;
};

static struct job make_job(const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size, c = x[3];
    double *sums = call->workspace;
    return (struct job){.call = call,
                        .n = step->n,
                        .batch = x[0],
                        .pixels = x[1] * x[2],
                        .c = c,
                        .sums = sums,
                        .numbers = (float *)(sums + x[0] * SUMS * c)};
}

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    const int64_t *x = node->in[0]->shape.size;
    return (size_t)(x[0] * SUMS * x[3]) * sizeof(double) + (size_t)(4 * x[3]) * sizeof(float);
}

/* ---- sums ---- */

/* Adds up to TILE pixels of `count` channels to sum[which][c]. Forward: x - p, its square. Backward: dy, dy (x - p), x
 * - p. */
static void sum_tile(double *sum, const float *x, const float *dy, const float *pivot, int64_t pixels, int64_t c,
                     int64_t count)
{
    float one[CHANNELS] = {0}, two[CHANNELS] = {0}, three[CHANNELS] = {0};
    for (int64_t i = 0; i < pixels; i++, x += c) {
        if (dy) {
            for (int64_t k = 0; k < count; k++) {
                float d = x[k] - pivot[k];
                one[k] += dy[k];
                two[k] += dy[k] * d;
                three[k] += d;
            }
            dy += c;
        } else {
            for (int64_t k = 0; k < count; k++) {
                float d = x[k] - pivot[k];
                one[k] += d;
                two[k] += d * d;
            }
        }
    }
    for (int64_t k = 0; k < count; k++) {
        sum[k] += (double)one[k];
        sum[c + k] += (double)two[k];
        sum[2 * c + k] += (double)three[k];
    }
}

static void sum_sample(const struct job *job, int64_t n, const float *dy, const float *pivot)
{
    const float *x = (const float *)job->call->in[0].data + n * job->pixels * job->c;
    double *sum = job->sums + n * SUMS * job->c;
    memset(sum, 0, (size_t)(SUMS * job->c) * sizeof *sum);
    if (dy) dy += n * job->pixels * job->c;
    for (int64_t i = 0; i < job->pixels; i += TILE) {
        int64_t pixels = job->pixels - i < TILE ? job->pixels - i : TILE;
        for (int64_t k = 0; k < job->c; k += CHANNELS)
            sum_tile(sum + k, x + i * job->c + k, dy ? dy + i * job->c + k : NULL, pivot + k, pixels, job->c,
                     job->c - k < CHANNELS ? job->c - k : CHANNELS);
    }
}

/* The sum of one channel over all samples, by leaves. */
static double combine(const struct job *job, int which, int64_t k)
{
    double leaf[LEAVES_MAX] = {0};
    int leaves = leaf_count(job->batch);
    for (int64_t n = 0; n < job->n; n++) leaf[n % leaves] += job->sums[(n * SUMS + which) * job->c + k];
    LEAVES_COMBINE(double, leaf, leaves, 1);
    return leaf[0];
}

/* ---- forward ---- */

static void sum_forward(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    sum_sample(job, n, NULL, job->numbers); /* numbers[0]: the pivot */
}

static void remember(const struct job *job, int64_t k, double mean, double variance)
{
    const struct batch_norm_numbers *o = job->call->node->options;
    const double count = (double)(job->n * job->pixels),
                 unbiased = count > 1 ? variance * count / (count - 1) : variance;
    float *running_mean = job->call->in[3].data, *running_var = job->call->in[4].data;
    running_mean[k] = (float)((1 - o->momentum) * (double)running_mean[k] + o->momentum * mean);
    running_var[k] = (float)((1 - o->momentum) * (double)running_var[k] + o->momentum * unbiased);
}

/* Statistics of a block of channels, then what the last pass needs: numbers = mean, weight / std, bias. */
static void resolve(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct call *call = job->call;
    const struct batch_norm_numbers *o = call->node->options;
    const float *weight = call->in[1].data, *bias = call->in[2].data;
    float *mean_out = call->saved[0].data, *scale_out = call->saved[1].data;
    const double count = (double)(job->n * job->pixels);
    for (int64_t k = block * CHANNELS; k < job->c && k < (block + 1) * CHANNELS; k++) {
        double mean = (double)((const float *)call->in[3].data)[k],
               variance = (double)((const float *)call->in[4].data)[k];
        if (job->on_batch) {
            double shift = combine(job, 0, k) / count, square = combine(job, 1, k) / count;
            mean = (double)job->numbers[k] + shift;
            variance = fmax(square - shift * shift, 0); /* NaN becomes 0 here, but the mean keeps it */
            remember(job, k, mean, variance);
        }
        double scale = 1 / sqrt(variance + o->eps);
        mean_out[k] = (float)mean;
        scale_out[k] = (float)scale;
        job->numbers[k] = (float)mean;
        job->numbers[job->c + k] = (float)(scale * (double)weight[k]);
        job->numbers[2 * job->c + k] = (float)((double)bias[k] -
                                               (mean - (double)(float)mean) * scale * (double)weight[k]);
    }
}

static void normalize_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const float *mean = job->numbers, *factor = mean + job->c, *bias = factor + job->c;
    const float *x = (const float *)job->call->in[0].data + n * job->pixels * job->c;
    float *y = (float *)job->call->out[0].data + n * job->pixels * job->c;
    for (int64_t i = 0; i < job->pixels; i++, x += job->c, y += job->c)
        for (int64_t k = 0; k < job->c; k++) y[k] = (x[k] - mean[k]) * factor[k] + bias[k];
}

static void run(const struct call *call, const struct step *step, bool on_batch)
{
    struct job job = make_job(call, step);
    job.on_batch = on_batch;
    if (on_batch) {
        memcpy(job.numbers, call->in[0].data, (size_t)job.c * sizeof(float)); /* the pivot: the first pixel */
        pool_run(step->pool, job.n, sum_forward, &job);
        ++*(int64_t *)call->in[5].data;
    }
    pool_run(step->pool, (job.c + CHANNELS - 1) / CHANNELS, resolve, &job);
    pool_run(step->pool, job.n, normalize_sample, &job);
}

static void forward(const struct call *call, const struct step *step)
{
    run(call, step, !batch_norm_is_frozen(call->node));
}

static void evaluate(const struct call *call, const struct step *step)
{
    run(call, step, false);
}

/* ---- backward: dx = weight scale (dy - mean(dy) - xhat mean(dy xhat)) ---- */

static void sum_backward(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    sum_sample(job, n, job->call->dout[0].data, job->call->saved[0].data);
}

/* With m the mean as float and d what it lacks: dx = factor (dy - (x - m) slope - constant), constant = mean(dy) - d
 * slope, which is numbers 2 + 3 together. */
static void resolve_backward(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct call *call = job->call;
    const float *weight = call->in[1].data, *scale = call->saved[1].data;
    const double count = (double)(job->n * job->pixels);
    for (int64_t k = block * CHANNELS; k < job->c && k < (block + 1) * CHANNELS; k++) {
        double sum = combine(job, 0, k), lacking = job->on_batch ? combine(job, 2, k) / count : 0;
        double product = (combine(job, 1, k) - lacking * sum) * (double)scale[k];
        float slope = job->on_batch ? (float)(product / count * (double)scale[k]) : 0;
        double constant = job->on_batch ? sum / count - lacking * (double)slope : 0;
        if (call->din[1].data) ((float *)call->din[1].data)[k] = (float)product;
        if (call->din[2].data) ((float *)call->din[2].data)[k] = (float)sum;
        job->numbers[k] = weight[k] * scale[k];
        job->numbers[job->c + k] = slope;
        job->numbers[2 * job->c + k] = (float)constant;
        job->numbers[3 * job->c + k] = (float)(constant - (double)(float)constant);
    }
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const int64_t c = job->c, at = n * job->pixels * c;
    const float *factor = job->numbers, *slope = factor + c, *constant = slope + c, *rest = constant + c;
    const float *mean = job->call->saved[0].data;
    const float *x = (const float *)job->call->in[0].data + at, *dy = (const float *)job->call->dout[0].data + at;
    float *dx = (float *)job->call->din[0].data + at;
    for (int64_t i = 0; i < job->pixels; i++, x += c, dy += c, dx += c)
        for (int64_t k = 0; k < c; k++)
            dx[k] = factor[k] * (((dy[k] - constant[k]) - (x[k] - mean[k]) * slope[k]) - rest[k]);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    job.on_batch = !batch_norm_is_frozen(call->node);
    pool_run(step->pool, job.n, sum_backward, &job);
    pool_run(step->pool, (job.c + CHANNELS - 1) / CHANNELS, resolve_backward, &job);
    if (call->din[0].data) pool_run(step->pool, job.n, backward_sample, &job);
}

extern const struct kernel ISA_NAME(batch_norm_cpu);
const struct kernel ISA_NAME(batch_norm_cpu) = {
    .forward = forward, .backward = backward, .evaluate = evaluate, .workspace = workspace};
