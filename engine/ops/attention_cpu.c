/* Attention: one head of one sample at a time, its scores in the cache of one core. Backward finds the probabilities
 * again from the scores. */
#include "engine/ops/attention.h"

#include "engine/backends/backend.h"
#include "engine/backends/cpu/gemm.h"
#include "engine/backends/pool.h"
#include "engine/ops/activations_cpu.h"

#include <math.h>

struct job {
    const struct call *call;
    struct attention_sizes z;
    char *workspace;
    size_t per_thread;
    float scale;
};

/* What one thread works in: packed keys or the like, probabilities and gradients of scores [s][s], one of them as the
 * left side of a product [s][padded s], and a spare block. */
struct desk {
    float *p, *ds;
    element *packed, *left, *spare;
};

static int64_t packed_elements(struct attention_sizes z)
{
    const int64_t tokens = gemm_panels(z.s) * NR * gemm_padded(z.width),
                  features = gemm_panels(z.width) * NR * gemm_padded(z.s);
    return tokens > features ? tokens : features;
}

static size_t thread_bytes(struct attention_sizes z)
{
    const int64_t elements = packed_elements(z) + z.s * gemm_padded(z.s) + gemm_spare(z.s > z.width ? z.s : z.width);
    return ((size_t)elements * sizeof(element) + (size_t)(2 * z.s * z.s) * sizeof(float) + 63) / 64 * 64;
}

static size_t workspace(const struct node *node, int threads)
{
    return (size_t)threads * thread_bytes(attention_sizes(node));
}

static struct desk desk_of(const struct job *job, int thread)
{
    const struct attention_sizes z = job->z;
    struct desk desk = {.packed = (element *)(void *)(job->workspace + (size_t)thread * job->per_thread)};
    desk.p = (float *)(void *)(desk.packed + packed_elements(z));
    desk.ds = desk.p + z.s * z.s;
    desk.left = (element *)(void *)(desk.ds + z.s * z.s);
    desk.spare = desk.left + z.s * gemm_padded(z.s);
    return desk;
}

/* Rows of a[rows][depth] b^T, b [n][depth]; and of a b, b [depth][n]. */
static void product_transposed(const struct desk *desk, struct gemm_rows to, const element *a, int64_t lda,
                               const element *b, int64_t ldb, int64_t rows, int64_t n, int64_t depth)
{
    for (int64_t p = 0; p < gemm_panels(n); p++)
        gemm_pack_transposed(desk->packed + p * NR * gemm_padded(depth), b, ldb, n, depth, p);
    gemm_rows(&to, a, lda, desk->packed, rows, n, depth, desk->spare);
}
static void product(const struct desk *desk, struct gemm_rows to, const element *a, int64_t lda, const element *b,
                    int64_t ldb, int64_t rows, int64_t n, int64_t depth)
{
    for (int64_t p = 0; p < gemm_panels(n); p++)
        gemm_pack(desk->packed + p * NR * gemm_padded(depth), b, ldb, n, depth, p);
    gemm_rows(&to, a, lda, desk->packed, rows, n, depth, desk->spare);
}

/* A table [s][s] or its transpose as the left side of a product, rows gemm_padded(s) apart. */
static const element *left_side(const struct desk *desk, const float *table, int64_t s)
{
#if defined(LATHE_BF16)
    const int64_t row = gemm_padded(s);
    for (int64_t i = 0; i < s; i++) {
#define CONVERT(k, count)                                                                                              \
    element_store_some(desk->left + i * row + (k), vec_load_some(table + i * s + (k), count), count)
        EACH_VECTOR(s, CONVERT);
#undef CONVERT
    }
    return desk->left;
#else
    return (void)desk, (void)s, table;
#endif
}
static const element *left_side_transposed(const struct desk *desk, const float *table, int64_t s)
{
    const int64_t row = gemm_padded(s);
    for (int64_t i0 = 0; i0 < s; i0 += VEC)
        for (int64_t j0 = 0; j0 < s; j0 += VEC) {
            const int64_t rows = s - i0 < VEC ? s - i0 : VEC, columns = s - j0 < VEC ? s - j0 : VEC;
            vec block[VEC] = {{0}};
            for (int64_t i = 0; i < rows; i++) block[i] = vec_load_some(table + (i0 + i) * s + j0, columns);
            vec_transpose(block);
            for (int64_t j = 0; j < columns; j++) element_store_some(desk->left + (j0 + j) * row + i0, block[j], rows);
        }
    return desk->left;
}

/* The largest of a row, or NaN where there is one. */
static float largest_of(const float *row, int64_t count)
{
    vec most = vec_set(row[0]);
    int64_t k = 0;
    for (; k + VEC <= count; k += VEC) {
        const vec x = vec_load(row + k);
        most = vec_choose((x > most) | (x != x), x, most); /* NOLINT(misc-redundant-expression) */
    }
    float largest = row[0];
    for (int i = 0; i < VEC; i++) largest = most[i] > largest || isnan(most[i]) ? most[i] : largest;
    for (; k < count; k++) largest = row[k] > largest || isnan(row[k]) ? row[k] : largest;
    return largest;
}

/* exp(x - shift) over a row, in place; returns the sum. */
static float exponentials(float *row, int64_t count, float scale, float shift)
{
    vec sum = {0};
    int64_t k = 0;
    for (; k + VEC <= count; k += VEC) {
        const vec e = vec_exp(vec_load(row + k) * vec_set(scale) - vec_set(shift));
        vec_store(row + k, e);
        sum += e;
    }
    float total = 0;
    if (k < count) {
        const vec e = vec_exp(vec_load_some(row + k, count - k) * vec_set(scale) - vec_set(shift));
        vec_store_some(row + k, e, count - k);
        for (int64_t i = 0; i < count - k; i++) total += e[i];
    }
    for (int i = 0; i < VEC; i++) total += sum[i];
    return total;
}

/* ---- forward ---- */

static void forward_head(void *context, int64_t item, int thread)
{
    const struct job *job = context;
    const struct attention_sizes z = job->z;
    const struct desk desk = desk_of(job, thread);
    const int64_t n = item / z.heads, h = item % z.heads, row = 3 * z.d;
    const element *q = (const element *)job->call->in[0].data + n * z.s * row + h * z.width, *k = q + z.d, *v = k + z.d;
    element *y = (element *)job->call->out[0].data + n * z.s * z.d + h * z.width;
    float *log_sum = (float *)job->call->saved[0].data + item * z.s;
    product_transposed(&desk, (struct gemm_rows){.c = desk.p, .floats = true, .ldc = z.s}, q, row, k, row, z.s, z.s,
                       z.width);
    for (int64_t i = 0; i < z.s; i++) {
        float *p = desk.p + i * z.s;
        const float largest = largest_of(p, z.s), sum = exponentials(p, z.s, job->scale, largest * job->scale);
        log_sum[i] = (float)((double)largest * (double)job->scale + log((double)sum));
        for (int64_t j = 0; j < z.s; j++) p[j] *= 1 / sum;
    }
    product(&desk, (struct gemm_rows){.c = y, .ldc = z.d}, left_side(&desk, desk.p, z.s), gemm_padded(z.s), v, row, z.s,
            z.width, z.s);
}

static struct job make_job(const struct call *call)
{
    struct job job = {.call = call, .z = attention_sizes(call->node), .workspace = call->workspace};
    job.per_thread = thread_bytes(job.z);
    job.scale = (float)(1 / sqrt((double)job.z.width));
    return job;
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    pool_run(step->pool, step->n * job.z.heads, forward_head, &job);
}

/* ---- backward ---- */

/* ds = scale p (dp - sum over the row of p dp), over dp in place. */
static void score_gradients(const struct desk *desk, int64_t s, float scale)
{
    for (int64_t i = 0; i < s; i++) {
        const float *p = desk->p + i * s;
        float *dp = desk->ds + i * s;
        vec sum = {0};
        double mean = 0;
#define ADD(k, count) sum += vec_load_some(p + (k), count) * vec_load_some(dp + (k), count)
        EACH_VECTOR(s, ADD);
#undef ADD
        for (int j = 0; j < VEC; j++) mean += (double)sum[j];
        for (int64_t j = 0; j < s; j++) dp[j] = scale * p[j] * (dp[j] - (float)mean);
    }
}

static void backward_head(void *context, int64_t item, int thread)
{
    const struct job *job = context;
    const struct attention_sizes z = job->z;
    const struct desk desk = desk_of(job, thread);
    const int64_t n = item / z.heads, h = item % z.heads, row = 3 * z.d;
    const element *q = (const element *)job->call->in[0].data + n * z.s * row + h * z.width, *k = q + z.d, *v = k + z.d;
    const element *dy = (const element *)job->call->dout[0].data + n * z.s * z.d + h * z.width;
    const float *log_sum = (const float *)job->call->saved[0].data + item * z.s;
    element *dq = (element *)job->call->din[0].data + n * z.s * row + h * z.width, *dk = dq + z.d, *dv = dk + z.d;
    product_transposed(&desk, (struct gemm_rows){.c = desk.p, .floats = true, .ldc = z.s}, q, row, k, row, z.s, z.s,
                       z.width);
    for (int64_t i = 0; i < z.s; i++) (void)exponentials(desk.p + i * z.s, z.s, job->scale, log_sum[i]);
    product_transposed(&desk, (struct gemm_rows){.c = desk.ds, .floats = true, .ldc = z.s}, dy, z.d, v, row, z.s, z.s,
                       z.width);
    const int64_t left = gemm_padded(z.s);
    product(&desk, (struct gemm_rows){.c = dv, .ldc = row}, left_side_transposed(&desk, desk.p, z.s), left, dy, z.d,
            z.s, z.width, z.s);
    score_gradients(&desk, z.s, job->scale);
    product(&desk, (struct gemm_rows){.c = dq, .ldc = row}, left_side(&desk, desk.ds, z.s), left, k, row, z.s, z.width,
            z.s);
    product(&desk, (struct gemm_rows){.c = dk, .ldc = row}, left_side_transposed(&desk, desk.ds, z.s), left, q, row,
            z.s, z.width, z.s);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    pool_run(step->pool, step->n * job.z.heads, backward_head, &job);
}

extern const struct kernel ISA_NAME(attention_cpu);
const struct kernel ISA_NAME(attention_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
