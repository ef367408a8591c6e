/* Batch norm over NHWC, and the activation behind it. Two or three sums per channel are formed for each sample (float
 * within 64 pixels, double across), then combined by leaves. Forward sums x - p and (x - p)^2 with a pivot p from the
 * data, so that a large mean costs no digits. Backward keeps neither y nor anything of the activation: both passes find
 * it again from x. Workspace: double [batch][3][c], then float [4][c]. */
#include "engine/ops/batch_norm.h"

#include "engine/backends/backend.h"
#include "engine/backends/pool.h"
#include "engine/ops/activations_cpu.h"
#include "engine/ops/leaves.h"

#include <math.h>

enum { TILE = 64, CHANNELS = 64, SUMS = 3, NUMBERS = 4, WIDE = 2 };

struct job {
    const struct call *call;
    int64_t n, batch, pixels, c; /* pixels of one sample */
    double *sums;                /* [batch][SUMS][c] */
    float *numbers;              /* [NUMBERS][c] */
    int activation;              /* op id, or NO_ACTIVATION */
    bool on_batch, stream;
};

static struct job make_job(const struct call *call, const struct step *step)
{
    const struct batch_norm_numbers *o = call->node->options;
    const int64_t *x = call->in[0].shape.size, c = x[3];
    double *sums = call->workspace;
    return (struct job){.call = call,
                        .n = step->n,
                        .batch = x[0],
                        .pixels = x[1] * x[2],
                        .c = c,
                        .sums = sums,
                        .numbers = (float *)(sums + x[0] * SUMS * c),
                        .activation = o->activation ? (int)op_id(o->activation) : NO_ACTIVATION};
}

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    const int64_t *x = node->in[0]->shape.size;
    return (size_t)(x[0] * SUMS * x[3]) * sizeof(double) + (size_t)(NUMBERS * x[3]) * sizeof(float);
}

/* Calls `pass(job, n, activation)` with the activation as a constant. */
#define ACTIVATION_DISPATCH(pass, job, n)                                                                              \
    do {                                                                                                               \
        switch ((job)->activation) {                                                                                   \
            ACTIVATIONS(ACTIVATION_CASE)                                                                               \
        default: pass(job, n, NO_ACTIVATION); break;                                                                   \
        }                                                                                                              \
    } while (0)

/* What the channels of a pass need, by number of `numbers`. */
enum { MEAN, FACTOR, SHIFT };         /* forward: y = f((x - MEAN) FACTOR + SHIFT) */
enum { GAIN, SLOPE, CONSTANT, REST }; /* backward, see resolve_backward */

/* ---- sums ---- */

static void add_sums(const struct job *job, double *sum, const vec *one, int64_t k, int64_t count)
{
    for (int which = 0; which < SUMS; which++)
        for (int64_t i = 0; i < count; i++) sum[which * job->c + k + i] += (double)one[which][i];
}

/* Adds up to TILE pixels of `vectors` vectors of channels: x - p and its square. */
static inline __attribute__((always_inline)) void sum_forward_tile(const struct job *job, double *sum, const element *x,
                                                                   int64_t pixels, int64_t k, int64_t count,
                                                                   const int vectors)
{
    vec one[WIDE][SUMS], pivot[WIDE];
    for (int v = 0; v < vectors; v++) {
        for (int which = 0; which < SUMS; which++) one[v][which] = (vec){0};
        pivot[v] = vec_load_some(job->numbers + k + v * VEC, count);
    }
    for (int64_t i = 0; i < pixels; i++, x += job->c)
        for (int v = 0; v < vectors; v++) {
            vec d = element_load_some(x + k + v * VEC, count) - pivot[v];
            one[v][0] += d;
            one[v][1] += d * d;
        }
    for (int v = 0; v < vectors; v++) add_sums(job, sum, one[v], k + v * VEC, count);
}

/* The same of backward: g, g (x - mean), x - mean, where g is the gradient in front of the activation. */
static inline __attribute__((always_inline)) void sum_backward_tile(const struct job *job, double *sum,
                                                                    const element *x, const element *dy, int64_t pixels,
                                                                    int64_t k, int64_t count, const int vectors,
                                                                    const int op)
{
    const float *mean_of = job->call->saved[0].data, *shift_of = job->call->saved[2].data;
    vec one[WIDE][SUMS], mean[WIDE], factor[WIDE], shift[WIDE];
    for (int v = 0; v < vectors; v++) {
        for (int which = 0; which < SUMS; which++) one[v][which] = (vec){0};
        mean[v] = vec_load_some(mean_of + k + v * VEC, count);
        factor[v] = vec_load_some(job->numbers + GAIN * job->c + k + v * VEC, count);
        shift[v] = vec_load_some(shift_of + k + v * VEC, count);
    }
    for (int64_t i = 0; i < pixels; i++, x += job->c, dy += job->c)
        for (int v = 0; v < vectors; v++) {
            vec d = element_load_some(x + k + v * VEC, count) - mean[v];
            vec g = activation_gradient(element_load_some(dy + k + v * VEC, count), d * factor[v] + shift[v], op);
            one[v][0] += g;
            one[v][1] += g * d;
            one[v][2] += d;
        }
    for (int v = 0; v < vectors; v++) add_sums(job, sum, one[v], k + v * VEC, count);
}

/* Tiles of one sample; `tile(first pixel's offset, pixels, k, count, vectors)`. */
#define EACH_TILE(job, ...)                                                                                            \
    for (int64_t first = 0; first < (job)->pixels; first += TILE) {                                                    \
        const int64_t pixels = (job)->pixels - first < TILE ? (job)->pixels - first : TILE, c = (job)->c;              \
        int64_t k = 0;                                                                                                 \
        for (; k + WIDE * VEC <= c; k += WIDE * VEC) __VA_ARGS__(VEC, WIDE);                                           \
        for (; k + VEC <= c; k += VEC) __VA_ARGS__(VEC, 1);                                                            \
        if (k < c) __VA_ARGS__(c - k, 1);                                                                              \
    }

static void sum_forward(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *x = (const element *)job->call->in[0].data + n * job->pixels * job->c;
    double *sum = job->sums + n * SUMS * job->c;
    memset(sum, 0, (size_t)(SUMS * job->c) * sizeof *sum);
#define FORWARD_TILE(count, vectors) sum_forward_tile(job, sum, x + first * c, pixels, k, count, vectors)
    EACH_TILE(job, FORWARD_TILE)
}

static inline __attribute__((always_inline)) void sum_backward_sample(const struct job *job, int64_t n, const int op)
{
    const int64_t at = n * job->pixels * job->c;
    const element *x = (const element *)job->call->in[0].data + at, *dy = (const element *)job->call->dout[0].data + at;
    double *sum = job->sums + n * SUMS * job->c;
    memset(sum, 0, (size_t)(SUMS * job->c) * sizeof *sum);
#define BACKWARD_TILE(count, vectors)                                                                                  \
    sum_backward_tile(job, sum, x + first * c, dy + first * c, pixels, k, count, vectors, op)
    EACH_TILE(job, BACKWARD_TILE)
}

static void sum_backward(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
#define ACTIVATION_CASE(name)                                                                                          \
    case OP_##name: sum_backward_sample(job, n, OP_##name); break;
    ACTIVATION_DISPATCH(sum_backward_sample, job, n);
#undef ACTIVATION_CASE
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

static void remember(const struct job *job, int64_t k, double mean, double variance)
{
    const struct batch_norm_numbers *o = job->call->node->options;
    const double count = (double)(job->n * job->pixels),
                 unbiased = count > 1 ? variance * count / (count - 1) : variance;
    float *running_mean = job->call->in[3].data, *running_var = job->call->in[4].data;
    running_mean[k] = (float)((1 - o->momentum) * (double)running_mean[k] + o->momentum * mean);
    running_var[k] = (float)((1 - o->momentum) * (double)running_var[k] + o->momentum * unbiased);
}

/* Statistics of a block of channels, then what the last pass needs. */
static void resolve(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct call *call = job->call;
    const struct batch_norm_numbers *o = call->node->options;
    const float *weight = call->in[1].data, *bias = call->in[2].data;
    float *mean_out = call->saved[0].data, *scale_out = call->saved[1].data, *shift_out = call->saved[2].data;
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
        shift_out[k] = (float)((double)bias[k] - (mean - (double)(float)mean) * scale * (double)weight[k]);
        job->numbers[MEAN * job->c + k] = (float)mean;
        job->numbers[FACTOR * job->c + k] = weight[k] * scale_out[k];
        job->numbers[SHIFT * job->c + k] = shift_out[k];
    }
}

static inline __attribute__((always_inline)) void normalize_vector(const struct job *job, element *y, const element *x,
                                                                   int64_t k, int64_t count, const int op)
{
    const float *numbers = job->numbers + k;
    vec z = (element_load_some(x + k, count) - vec_load_some(numbers + MEAN * job->c, count)) *
                vec_load_some(numbers + FACTOR * job->c, count) +
            vec_load_some(numbers + SHIFT * job->c, count);
    if (job->stream)
        element_stream(y + k, activation_value(z, op));
    else
        element_store_some(y + k, activation_value(z, op), count);
}

static inline __attribute__((always_inline)) void normalize_sample(const struct job *job, int64_t n, const int op)
{
    const int64_t c = job->c, at = n * job->pixels * c;
    const element *x = (const element *)job->call->in[0].data + at;
    element *y = (element *)job->call->out[0].data + at;
    for (int64_t i = 0; i < job->pixels; i++, x += c, y += c) {
        int64_t k = 0;
        for (; k + VEC <= c; k += VEC) normalize_vector(job, y, x, k, VEC, op);
        if (k < c) normalize_vector(job, y, x, k, c - k, op);
    }
    vec_stream_end();
}

static void normalize(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
#define ACTIVATION_CASE(name)                                                                                          \
    case OP_##name: normalize_sample(job, n, OP_##name); break;
    ACTIVATION_DISPATCH(normalize_sample, job, n);
#undef ACTIVATION_CASE
}

static void run(const struct call *call, const struct step *step, bool on_batch)
{
    struct job job = make_job(call, step);
    job.on_batch = on_batch;
    job.stream = call->out[0].data != call->in[0].data &&
                 element_streams(call->out[0].data, job.c, job.n * job.pixels, job.c);
    if (on_batch) {
        const element *pivot = call->in[0].data; /* the first pixel */
        for (int64_t k = 0; k < job.c; k++) job.numbers[k] = element_value(pivot[k]);
        pool_run(step->pool, job.n, sum_forward, &job);
        ++*(int64_t *)call->in[5].data;
    }
    pool_run(step->pool, (job.c + CHANNELS - 1) / CHANNELS, resolve, &job);
    pool_run(step->pool, job.n, normalize, &job);
}

static void forward(const struct call *call, const struct step *step)
{
    run(call, step, !batch_norm_is_frozen(call->node));
}

static void evaluate(const struct call *call, const struct step *step)
{
    run(call, step, false);
}

/* y again, from what the last forward saved. */
static void recompute(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    const float *mean = call->saved[0].data, *scale = call->saved[1].data, *shift = call->saved[2].data,
                *weight = call->in[1].data;
    for (int64_t k = 0; k < job.c; k++) {
        job.numbers[MEAN * job.c + k] = mean[k];
        job.numbers[FACTOR * job.c + k] = weight[k] * scale[k];
        job.numbers[SHIFT * job.c + k] = shift[k];
    }
    job.stream = element_streams(call->out[0].data, job.c, job.n * job.pixels, job.c);
    pool_run(step->pool, job.n, normalize, &job);
}

/* ---- backward: dx = weight scale (g - mean(g) - xhat mean(g xhat)), g the gradient in front of the activation ---- */

/* With m the mean as float and d what it lacks: dx = GAIN (g - (x - m) SLOPE - constant), constant = mean(g) - d SLOPE,
 * which is CONSTANT + REST. */
static void resolve_backward(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct call *call = job->call;
    const float *scale = call->saved[1].data;
    const double count = (double)(job->n * job->pixels);
    for (int64_t k = block * CHANNELS; k < job->c && k < (block + 1) * CHANNELS; k++) {
        double sum = combine(job, 0, k), lacking = job->on_batch ? combine(job, 2, k) / count : 0;
        double product = (combine(job, 1, k) - lacking * sum) * (double)scale[k];
        float slope = job->on_batch ? (float)(product / count * (double)scale[k]) : 0;
        double constant = job->on_batch ? sum / count - lacking * (double)slope : 0;
        if (call->din[1].data) ((float *)call->din[1].data)[k] = (float)product;
        if (call->din[2].data) ((float *)call->din[2].data)[k] = (float)sum;
        job->numbers[SLOPE * job->c + k] = slope;
        job->numbers[CONSTANT * job->c + k] = (float)constant;
        job->numbers[REST * job->c + k] = (float)(constant - (double)(float)constant);
    }
}

static inline __attribute__((always_inline)) void backward_vector(const struct job *job, element *dx, const element *dy,
                                                                  const element *x, int64_t k, int64_t count,
                                                                  const int op)
{
    const float *numbers = job->numbers + k;
    const vec gain = vec_load_some(numbers + GAIN * job->c, count);
    vec d = element_load_some(x + k, count) - vec_load_some((const float *)job->call->saved[0].data + k, count);
    vec g = element_load_some(dy + k, count);
    if (op != NO_ACTIVATION)
        g = activation_gradient(g, d * gain + vec_load_some((const float *)job->call->saved[2].data + k, count), op);
    g = (g - vec_load_some(numbers + CONSTANT * job->c, count)) - d * vec_load_some(numbers + SLOPE * job->c, count);
    element_store_some(dx + k, gain * (g - vec_load_some(numbers + REST * job->c, count)), count);
}

static inline __attribute__((always_inline)) void backward_sample(const struct job *job, int64_t n, const int op)
{
    const int64_t c = job->c, at = n * job->pixels * c;
    const element *x = (const element *)job->call->in[0].data + at, *dy = (const element *)job->call->dout[0].data + at;
    element *dx = (element *)job->call->din[0].data + at;
    for (int64_t i = 0; i < job->pixels; i++, x += c, dy += c, dx += c) {
        int64_t k = 0;
        for (; k + VEC <= c; k += VEC) backward_vector(job, dx, dy, x, k, VEC, op);
        if (k < c) backward_vector(job, dx, dy, x, k, c - k, op);
    }
}

static void input_gradient(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
#define ACTIVATION_CASE(name)                                                                                          \
    case OP_##name: backward_sample(job, n, OP_##name); break;
    ACTIVATION_DISPATCH(backward_sample, job, n);
#undef ACTIVATION_CASE
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    const float *weight = call->in[1].data, *scale = call->saved[1].data;
    job.on_batch = !batch_norm_is_frozen(call->node);
    for (int64_t k = 0; k < job.c; k++) job.numbers[GAIN * job.c + k] = weight[k] * scale[k]; /* forward's FACTOR */
    pool_run(step->pool, job.n, sum_backward, &job);
    pool_run(step->pool, (job.c + CHANNELS - 1) / CHANNELS, resolve_backward, &job);
    if (call->din[0].data) pool_run(step->pool, job.n, input_gradient, &job);
}

extern const struct kernel ISA_NAME(batch_norm_cpu);
const struct kernel ISA_NAME(batch_norm_cpu) = {
    .forward = forward, .backward = backward, .evaluate = evaluate, .recompute = recompute, .workspace = workspace};
