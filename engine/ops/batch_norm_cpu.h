/* Batch norm over NHWC and the activation behind it, by rows of channels: for the kernels of batch_norm and of what is
 * fused with it. Two or three sums per channel are formed for each sample (float within 64 pixels, double across), then
 * combined by leaves. Forward sums x - p and (x - p)^2 with a pivot p near the mean, so that a large mean costs no
 * digits. Backward keeps neither y nor anything of the activation: both of its passes find it again from x.
 * Workspace: double [batch][3][c], then float [4][c]. Included by *_cpu.c only. Thread: functions of a norm work on
 * what they are given. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/backends/pool.h"
#include "engine/ops/activations_cpu.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/leaves.h"

#include <math.h>

enum { NORM_TILE = 64, NORM_BLOCK = 1024, NORM_CHANNELS = 64, NORM_SUMS = 3, NORM_NUMBERS = 4 };

/* One run of a batch norm. `call` is of the norm's own node: in[0] is what is normalised. */
struct norm {
    const struct call *call;
    int64_t n, batch, pixels, c; /* pixels of one sample */
    double *sums;                /* [batch][NORM_SUMS][c] */
    float *numbers;              /* [NORM_NUMBERS][c] */
    int activation;              /* op id, or NO_ACTIVATION */
    bool on_batch, stream;
};

static inline size_t norm_workspace(const struct node *node)
{
    const int64_t *x = node->in[0]->shape.size;
    return (size_t)(x[0] * NORM_SUMS * x[3]) * sizeof(double) + (size_t)(NORM_NUMBERS * x[3]) * sizeof(float);
}

static inline struct norm norm_of(const struct call *call, const struct step *step)
{
    const struct batch_norm_numbers *o = call->node->options;
    const int64_t *x = call->in[0].shape.size, c = x[3];
    double *sums = call->workspace;
    return (struct norm){.call = call,
                         .n = step->n,
                         .batch = x[0],
                         .pixels = x[1] * x[2],
                         .c = c,
                         .sums = sums,
                         .numbers = (float *)(sums + x[0] * NORM_SUMS * c),
                         .activation = o->activation ? (int)op_id(o->activation) : NO_ACTIVATION,
                         .on_batch = !batch_norm_is_frozen(call->node)};
}

static inline int64_t norm_blocks(const struct norm *job)
{
    return (job->c + NORM_CHANNELS - 1) / NORM_CHANNELS;
}

/* Calls `pass(activation, …)` with the activation as a constant. */
#define NORM_CASE(name, pass, ...)                                                                                     \
    case OP_##name:                                                                                                    \
        pass(OP_##name, __VA_ARGS__);                                                                                  \
        break;
#define NORM_DISPATCH(job, pass, ...)                                                                                  \
    do {                                                                                                               \
        switch ((job)->activation) {                                                                                   \
            ACTIVATIONS(NORM_CASE, pass, __VA_ARGS__)                                                                  \
        default: pass(NO_ACTIVATION, __VA_ARGS__); break;                                                              \
        }                                                                                                              \
    } while (0)

/* What the channels of a pass need, by number of `numbers`. */
enum { NORM_MEAN, NORM_FACTOR, NORM_SHIFT };              /* forward: y = f((x - MEAN) FACTOR + SHIFT) */
enum { NORM_GAIN, NORM_SLOPE, NORM_CONSTANT, NORM_REST }; /* backward, see norm_resolve_backward */

/* ---- sums ---- */

/* Sums over up to NORM_TILE pixels of a block of channels, which lie in the nearest cache. Rows are read side by side:
 * down a column of vectors, rows that lie far apart would each be waited for. */
struct norm_tile {
    float sum[NORM_SUMS][NORM_BLOCK];
};

static inline void tile_begin(struct norm_tile *tile, int64_t channels, int sums)
{
    for (int which = 0; which < sums; which++) memset(tile->sum[which], 0, (size_t)channels * sizeof(float));
}

static inline void tile_add(struct norm_tile *tile, int which, int64_t k, vec value, int64_t count)
{
    float *sum = tile->sum[which] + k;
    vec_store_some(sum, vec_load_some(sum, count) + value, count);
}

/* Adds the tile of channels k0 … to sum[NORM_SUMS][c]. */
static inline void tile_finish(const struct norm *job, double *sum, const struct norm_tile *tile, int64_t k0,
                               int64_t channels, int sums)
{
    for (int which = 0; which < sums; which++)
        for (int64_t k = 0; k < channels; k++) sum[which * job->c + k0 + k] += (double)tile->sum[which][k];
}

/* Adds up to NORM_TILE pixels of channels k0 …: x - p and its square. */
static inline void sum_forward_tile(const struct norm *job, double *sum, const element *x, int64_t pixels, int64_t k0,
                                    int64_t channels)
{
    struct norm_tile tile;
    const float *pivot = job->numbers + k0;
    tile_begin(&tile, channels, 2);
    x += k0;
    for (int64_t i = 0; i < pixels; i++, x += job->c) {
#define ADD(k, count)                                                                                                  \
    do {                                                                                                               \
        const vec d = element_read_some(x + (k), count) - vec_load_some(pivot + (k), count);                           \
        tile_add(&tile, 0, k, d, count);                                                                               \
        tile_add(&tile, 1, k, (d) * (d), count);                                                                       \
    } while (0)
        EACH_VECTOR(channels, ADD);
#undef ADD
    }
    tile_finish(job, sum, &tile, k0, channels, 2);
}

/* The same of backward: g, g (x - mean), x - mean, where g is the gradient in front of the activation. */
static inline __attribute__((always_inline)) void sum_backward_tile(const struct norm *job, double *sum,
                                                                    const element *x, const element *dy, int64_t pixels,
                                                                    int64_t k0, int64_t channels, const int op)
{
    struct norm_tile tile;
    const float *mean = (const float *)job->call->saved[0].data + k0, *factor = job->numbers + NORM_GAIN * job->c + k0,
                *shift = (const float *)job->call->saved[2].data + k0;
    tile_begin(&tile, channels, NORM_SUMS);
    x += k0, dy += k0;
    for (int64_t i = 0; i < pixels; i++, x += job->c, dy += job->c) {
#define ADD(k, count)                                                                                                  \
    do {                                                                                                               \
        const vec d = element_read_some(x + (k), count) - vec_load_some(mean + (k), count);                            \
        const vec z = d * vec_load_some(factor + (k), count) + vec_load_some(shift + (k), count);                      \
        const vec g = activation_gradient(element_read_some(dy + (k), count), z, op);                                  \
        tile_add(&tile, 0, k, g, count);                                                                               \
        tile_add(&tile, 1, k, (g) * (d), count);                                                                       \
        tile_add(&tile, 2, k, d, count);                                                                               \
    } while (0)
        EACH_VECTOR(channels, ADD);
#undef ADD
    }
    tile_finish(job, sum, &tile, k0, channels, NORM_SUMS);
}

/* Adds the sums of `rows` rows of one sample to sum[NORM_SUMS][c]: rows are counted from the sample's first, tiles
 * begin there and every NORM_TILE rows. */
static inline void norm_sum_rows(const struct norm *job, double *sum, const element *x, int64_t rows)
{
    const int64_t c = job->c;
    for (int64_t first = 0; first < rows; first += NORM_TILE, x += NORM_TILE * c) {
        const int64_t pixels = rows - first < NORM_TILE ? rows - first : NORM_TILE;
        for (int64_t k = 0; k < c; k += NORM_BLOCK)
            sum_forward_tile(job, sum, x, pixels, k, c - k < NORM_BLOCK ? c - k : NORM_BLOCK);
    }
}

static inline __attribute__((always_inline)) void sum_backward_rows(const int op, const struct norm *job, double *sum,
                                                                    const element *x, const element *dy, int64_t rows)
{
    const int64_t c = job->c;
    for (int64_t first = 0; first < rows; first += NORM_TILE, x += NORM_TILE * c, dy += NORM_TILE * c) {
        const int64_t pixels = rows - first < NORM_TILE ? rows - first : NORM_TILE;
        for (int64_t k = 0; k < c; k += NORM_BLOCK)
            sum_backward_tile(job, sum, x, dy, pixels, k, c - k < NORM_BLOCK ? c - k : NORM_BLOCK, op);
    }
}

/* The sums of one sample for backward. */
static inline void norm_sum_backward(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct norm *job = context;
    const int64_t at = n * job->pixels * job->c;
    const element *x = (const element *)job->call->in[0].data + at, *dy = (const element *)job->call->dout[0].data + at;
    double *sum = job->sums + n * NORM_SUMS * job->c;
    memset(sum, 0, (size_t)(NORM_SUMS * job->c) * sizeof *sum);
    NORM_DISPATCH(job, sum_backward_rows, job, sum, x, dy, job->pixels);
}

/* The sum of one channel over all samples, by leaves. */
static inline double combine(const struct norm *job, int which, int64_t k)
{
    double leaf[LEAVES_MAX] = {0};
    int leaves = leaf_count(job->batch);
    for (int64_t n = 0; n < job->n; n++) leaf[n % leaves] += job->sums[(n * NORM_SUMS + which) * job->c + k];
    LEAVES_COMBINE(double, leaf, leaves, 1);
    return leaf[0];
}

/* ---- forward ---- */

static inline void remember(const struct norm *job, int64_t k, double mean, double variance)
{
    const struct batch_norm_numbers *o = job->call->node->options;
    const double count = (double)(job->n * job->pixels),
                 unbiased = count > 1 ? variance * count / (count - 1) : variance;
    float *running_mean = job->call->in[3].data, *running_var = job->call->in[4].data;
    running_mean[k] = (float)((1 - o->momentum) * (double)running_mean[k] + o->momentum * mean);
    running_var[k] = (float)((1 - o->momentum) * (double)running_var[k] + o->momentum * unbiased);
}

/* Statistics of a block of channels, then what the last pass needs. */
static inline void norm_resolve(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct norm *job = context;
    const struct call *call = job->call;
    const struct batch_norm_numbers *o = call->node->options;
    const float *weight = call->in[1].data, *bias = call->in[2].data;
    float *mean_out = call->saved[0].data, *scale_out = call->saved[1].data, *shift_out = call->saved[2].data;
    const double count = (double)(job->n * job->pixels);
    for (int64_t k = block * NORM_CHANNELS; k < job->c && k < (block + 1) * NORM_CHANNELS; k++) {
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
        job->numbers[NORM_MEAN * job->c + k] = (float)mean;
        job->numbers[NORM_FACTOR * job->c + k] = weight[k] * scale_out[k];
        job->numbers[NORM_SHIFT * job->c + k] = shift_out[k];
    }
}

static inline __attribute__((always_inline)) void normalize_rows(const int op, const struct norm *job, element *y,
                                                                 const element *x, int64_t rows)
{
    const int64_t c = job->c;
    const float *mean = job->numbers + NORM_MEAN * c, *factor = job->numbers + NORM_FACTOR * c,
                *shift = job->numbers + NORM_SHIFT * c;
    const bool stream = job->stream;
    for (int64_t i = 0; i < rows; i++, x += c, y += c) {
#define NORMALIZE(k, count)                                                                                            \
    do {                                                                                                               \
        const vec d = element_read_some(x + (k), count) - vec_load_some(mean + (k), count);                            \
        const vec z = d * vec_load_some(factor + (k), count) + vec_load_some(shift + (k), count);                      \
        if (stream)                                                                                                    \
            element_stream(y + (k), activation_value(z, op));                                                          \
        else                                                                                                           \
            element_store_some(y + (k), activation_value(z, op), count);                                               \
    } while (0)
        EACH_VECTOR(c, NORMALIZE);
#undef NORMALIZE
    }
    vec_stream_end();
}

/* y = f((x - mean) factor + shift) over rows. */
static inline void norm_rows(const struct norm *job, element *y, const element *x, int64_t rows)
{
    NORM_DISPATCH(job, normalize_rows, job, y, x, rows);
}

/* Of one sample. */
static inline void norm_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct norm *job = context;
    const int64_t at = n * job->pixels * job->c;
    norm_rows(job, (element *)job->call->out[0].data + at, (const element *)job->call->in[0].data + at, job->pixels);
}

/* Takes the numbers of forward from what the last one saved. */
static inline void norm_restore(struct norm *job)
{
    const struct call *call = job->call;
    const float *mean = call->saved[0].data, *scale = call->saved[1].data, *shift = call->saved[2].data,
                *weight = call->in[1].data;
    for (int64_t k = 0; k < job->c; k++) {
        job->numbers[NORM_MEAN * job->c + k] = mean[k];
        job->numbers[NORM_FACTOR * job->c + k] = weight[k] * scale[k];
        job->numbers[NORM_SHIFT * job->c + k] = shift[k];
    }
}

/* ---- backward: dx = weight scale (g - mean(g) - xhat mean(g xhat)), g the gradient in front of the activation ---- */

/* With m the mean as float and d what it lacks: dx = GAIN (g - (x - m) SLOPE - constant), constant = mean(g) - d
 * NORM_SLOPE, which is CONSTANT + REST. */
static inline void norm_resolve_backward(void *context, int64_t block, int thread)
{
    (void)thread;
    const struct norm *job = context;
    const struct call *call = job->call;
    const float *scale = call->saved[1].data;
    const double count = (double)(job->n * job->pixels);
    for (int64_t k = block * NORM_CHANNELS; k < job->c && k < (block + 1) * NORM_CHANNELS; k++) {
        double sum = combine(job, 0, k), lacking = job->on_batch ? combine(job, 2, k) / count : 0;
        double product = (combine(job, 1, k) - lacking * sum) * (double)scale[k];
        float slope = job->on_batch ? (float)(product / count * (double)scale[k]) : 0;
        double constant = job->on_batch ? sum / count - lacking * (double)slope : 0;
        if (call->din[1].data) ((float *)call->din[1].data)[k] = (float)product;
        if (call->din[2].data) ((float *)call->din[2].data)[k] = (float)sum;
        job->numbers[NORM_SLOPE * job->c + k] = slope;
        job->numbers[NORM_CONSTANT * job->c + k] = (float)constant;
        job->numbers[NORM_REST * job->c + k] = (float)(constant - (double)(float)constant);
    }
}

static inline __attribute__((always_inline)) void backward_rows(const int op, const struct norm *job, element *dx,
                                                                const element *dy, const element *x, int64_t rows)
{
    const int64_t c = job->c;
    const float *mean = job->call->saved[0].data, *shift = job->call->saved[2].data,
                *gain = job->numbers + NORM_GAIN * c, *slope = job->numbers + NORM_SLOPE * c,
                *constant = job->numbers + NORM_CONSTANT * c, *rest = job->numbers + NORM_REST * c;
    for (int64_t i = 0; i < rows; i++, x += c, dy += c, dx += c) {
#define BACKWARD(k, count)                                                                                             \
    do {                                                                                                               \
        const vec d = element_read_some(x + (k), count) - vec_load_some(mean + (k), count);                            \
        const vec factor = vec_load_some(gain + (k), count), z = d * factor + vec_load_some(shift + (k), count);       \
        vec g = activation_gradient(element_read_some(dy + (k), count), z, op);                                        \
        g = (g - vec_load_some(constant + (k), count)) - d * vec_load_some(slope + (k), count);                        \
        element_store_some(dx + (k), factor * (g - vec_load_some(rest + (k), count)), count);                          \
    } while (0)
        EACH_VECTOR(c, BACKWARD);
#undef BACKWARD
    }
}

/* dx of rows; after norm_begin_backward. */
static inline void norm_backward_rows(const struct norm *job, element *dx, const element *dy, const element *x,
                                      int64_t rows)
{
    NORM_DISPATCH(job, backward_rows, job, dx, dy, x, rows);
}

/* The passes over x and dy that come before dx: sums, gradients of weight and bias, numbers for norm_backward_rows. */
static inline void norm_begin_backward(struct norm *job, struct pool *pool)
{
    const float *weight = job->call->in[1].data, *scale = job->call->saved[1].data;
    for (int64_t k = 0; k < job->c; k++) job->numbers[NORM_GAIN * job->c + k] = weight[k] * scale[k];
    pool_run(pool, job->n, norm_sum_backward, job);
    pool_run(pool, norm_blocks(job), norm_resolve_backward, job);
}
