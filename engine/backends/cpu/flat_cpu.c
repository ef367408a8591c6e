/* Functions over flat parameter memory, see flat.h. Work is cut by segments and fixed chunks; sums do not depend on who
 * took which. */
#include "engine/backends/cpu/isa.h"
#include "engine/backends/cpu/table.h"
#include "engine/backends/pool.h"

#include <math.h>

enum { CHUNK = 16384, BLOCK = 64 };

struct job {
    float *to;
    const float *from;
    int64_t count;
    int first;
    double factor, max_value;
    double *out;
    const struct segment *segment;
};

static int64_t chunks_of(int64_t count)
{
    return (count + CHUNK - 1) / CHUNK;
}

static int64_t chunk_end(const struct job *job, int64_t chunk)
{
    return (chunk + 1) * CHUNK < job->count ? (chunk + 1) * CHUNK : job->count;
}

static void accumulate_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    for (int64_t i = chunk * CHUNK; i < chunk_end(job, chunk); i++)
        job->to[i] = job->first ? job->from[i] : job->to[i] + job->from[i];
}

/* The same of bfloat16: gradients of activations. */
static void accumulate_bf16_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    bf16 *to = (bf16 *)(void *)job->to;
    const bf16 *from = (const bf16 *)(const void *)job->from;
    for (int64_t i = chunk * CHUNK; i < chunk_end(job, chunk); i++)
        to[i] = job->first ? from[i] : bf16_of(bf16_value(to[i]) + bf16_value(from[i]));
}

void ISA_NAME(flat_accumulate)(struct device *d, enum dtype real, void *to, const void *from, int64_t count, int first)
{
    lt_assert(real == DTYPE_F32 || real == DTYPE_BF16);
    struct job job = {.to = to, .from = from, .count = count, .first = first};
    pool_run(cpu_pool(d), chunks_of(count), real == DTYPE_F32 ? accumulate_chunk : accumulate_bf16_chunk, &job);
}

/* Sum of squares of one block: lanes in fixed order. */
static double block_sum(const float *x, int64_t count)
{
    double lane[8] = {0};
    for (int64_t i = 0; i < count; i++) lane[i % 8] += (double)x[i] * (double)x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static void square_sum(void *context, int64_t index, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct segment s = job->segment[index];
    double sum = 0;
    for (int64_t i = 0; i < s.count; i += BLOCK)
        sum += block_sum(job->from + s.offset + i, s.count - i < BLOCK ? s.count - i : BLOCK);
    job->out[index] = sum;
}

void ISA_NAME(flat_square_sums)(struct device *d, enum dtype real, double *out, const void *gradient,
                                const struct segment *segment, int64_t segments)
{
    lt_assert(real == DTYPE_F32);
    struct job job = {.from = gradient, .out = out, .segment = segment};
    pool_run(cpu_pool(d), segments, square_sum, &job);
    double sum = 0;
    for (int64_t i = 0; i < segments; i++) sum += out[i];
    out[segments] = sum;
}

struct count_job {
    const float *gradient;
    const struct flat_counts *out;
    const struct segment *segment;
};

static void count_segment(void *context, int64_t index, int thread)
{
    (void)thread;
    const struct count_job *job = context;
    const struct segment s = job->segment[index];
    int64_t zeros = 0, nonfinite = 0;
    for (int64_t i = s.offset; i < s.offset + s.count; i++) {
        const float x = job->gradient[i];
        zeros += x == 0;
        nonfinite += !(fabsf(x) < INFINITY);
    }
    job->out->zeros[index] = (double)zeros;
    job->out->nonfinite[index] = (double)nonfinite;
}

void ISA_NAME(flat_counts)(struct device *d, enum dtype real, const struct flat_counts *out, const void *gradient,
                           const struct segment *segment, int64_t segments)
{
    lt_assert(real == DTYPE_F32);
    if (out->square_sum && isfinite(*out->square_sum)) return;
    struct count_job job = {gradient, out, segment};
    pool_run(cpu_pool(d), segments, count_segment, &job);
}

struct change_job {
    const float *after;
    const struct flat_changes *out;
    const struct segment *segment;
};

static void sum_changes(void *context, int64_t index, int thread)
{
    (void)thread;
    const struct change_job *job = context;
    const struct segment s = job->segment[index];
    const float *before = job->out->before;
    double change = 0, size = 0;
    for (int64_t i = s.offset; i < s.offset + s.count; i++) {
        const double b = (double)before[i], c = (double)job->after[i] - b;
        change += c * c;
        size += b * b;
    }
    job->out->change[index] = change;
    job->out->size[index] = size;
}

void ISA_NAME(flat_changes)(struct device *d, enum dtype real, const struct flat_changes *out, const void *after,
                            const struct segment *segment, int64_t segments)
{
    lt_assert(real == DTYPE_F32);
    struct change_job job = {after, out, segment};
    pool_run(cpu_pool(d), segments, sum_changes, &job);
}

void ISA_NAME(flat_clip_factor)(struct device *d, double *factor, const double *square_sum, double max_norm)
{
    (void)d;
    double ratio = max_norm / (sqrt(*square_sum) + 1e-6);
    *factor = max_norm <= 0 || ratio >= 1 ? 1 : ratio; /* NaN stays NaN */
}

static void clip_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    const float factor = (float)job->factor, limit = (float)job->max_value;
    for (int64_t i = chunk * CHUNK; i < chunk_end(job, chunk); i++) {
        float x = job->to[i] * factor;
        if (limit > 0) x = x > limit ? limit : x < -limit ? -limit : x;
        job->to[i] = x;
    }
}

void ISA_NAME(flat_clip)(struct device *d, enum dtype real, void *gradient, int64_t count, const double *factor,
                         double max_value)
{
    lt_assert(real == DTYPE_F32);
    if (*factor == 1 && max_value <= 0) return;
    struct job job = {.to = gradient, .count = count, .factor = *factor, .max_value = max_value};
    pool_run(cpu_pool(d), chunks_of(count), clip_chunk, &job);
}
