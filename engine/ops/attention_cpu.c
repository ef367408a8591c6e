/* Attention: one head of one sample at a time, its scores in the cache of one core. Backward finds the probabilities
 * again from the scores. Workspace per thread: packed keys or the like [panels][depth][NR], three tables [s][s], a
 * spare block. */
#include "engine/ops/attention.h"

#include "engine/backends/backend.h"
#include "engine/backends/cpu/gemm.h"
#include "engine/backends/pool.h"

#include <math.h>

struct job {
    const struct call *call;
    struct attention_sizes z;
    float *workspace;
    size_t per_thread;
    float scale;
};

/* What one thread works in. */
struct desk {
    float *packed, *p, *ds, *spare;
};

enum { SPARE = MR * GEMM_DEPTH };

static int64_t packed_floats(struct attention_sizes z)
{
    const int64_t tokens = gemm_panels(z.s) * NR * z.width, features = gemm_panels(z.width) * NR * z.s;
    return tokens > features ? tokens : features;
}

static size_t thread_floats(struct attention_sizes z)
{
    return (size_t)(packed_floats(z) + 3 * z.s * z.s) + SPARE;
}

static size_t workspace(const struct node *node, int threads)
{
    return (size_t)threads * thread_floats(attention_sizes(node)) * sizeof(float);
}

static struct desk desk_of(const struct job *job, int thread)
{
    float *at = job->workspace + (size_t)thread * job->per_thread;
    struct desk desk = {.packed = at};
    desk.p = at + packed_floats(job->z);
    desk.ds = desk.p + job->z.s * job->z.s;
    desk.spare = desk.ds + 2 * job->z.s * job->z.s;
    return desk;
}

/* c[rows][n] = a[rows][depth] b^T, b [n][depth]; and c = a b, b [depth][n]. */
static void product_transposed(const struct desk *desk, float *c, int64_t ldc, const float *a, int64_t lda,
                               const float *b, int64_t ldb, int64_t rows, int64_t n, int64_t depth)
{
    for (int64_t p = 0; p < gemm_panels(n); p++)
        gemm_pack_transposed(desk->packed + p * NR * depth, b, ldb, n, depth, p);
    gemm_rows(c, ldc, a, lda, desk->packed, rows, n, depth, desk->spare, false);
}
static void product(const struct desk *desk, float *c, int64_t ldc, const float *a, int64_t lda, const float *b,
                    int64_t ldb, int64_t rows, int64_t n, int64_t depth)
{
    for (int64_t p = 0; p < gemm_panels(n); p++) gemm_pack(desk->packed + p * NR * depth, b, ldb, n, depth, p);
    gemm_rows(c, ldc, a, lda, desk->packed, rows, n, depth, desk->spare, false);
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
    const float *q = (const float *)job->call->in[0].data + n * z.s * row + h * z.width, *k = q + z.d, *v = k + z.d;
    float *y = (float *)job->call->out[0].data + n * z.s * z.d + h * z.width;
    float *log_sum = (float *)job->call->saved[0].data + item * z.s;
    product_transposed(&desk, desk.p, z.s, q, row, k, row, z.s, z.s, z.width);
    for (int64_t i = 0; i < z.s; i++) {
        float *p = desk.p + i * z.s, largest = p[0];
        for (int64_t j = 1; j < z.s; j++) largest = p[j] > largest || p[j] != p[j] ? p[j] : largest;
        const float sum = exponentials(p, z.s, job->scale, largest * job->scale);
        log_sum[i] = (float)((double)largest * (double)job->scale + log((double)sum));
        for (int64_t j = 0; j < z.s; j++) p[j] *= 1 / sum;
    }
    product(&desk, y, z.d, desk.p, z.s, v, row, z.s, z.width, z.s);
}

static struct job make_job(const struct call *call)
{
    struct job job = {.call = call, .z = attention_sizes(call->node), .workspace = call->workspace};
    job.per_thread = thread_floats(job.z);
    job.scale = (float)(1 / sqrt((double)job.z.width));
    return job;
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    pool_run(step->pool, step->n * job.z.heads, forward_head, &job);
}

/* ---- backward ---- */

static void transpose(float *to, const float *from, int64_t s)
{
    enum { BLOCK = 16 };
    for (int64_t i0 = 0; i0 < s; i0 += BLOCK)
        for (int64_t j0 = 0; j0 < s; j0 += BLOCK)
            for (int64_t i = i0; i < s && i < i0 + BLOCK; i++)
                for (int64_t j = j0; j < s && j < j0 + BLOCK; j++) to[j * s + i] = from[i * s + j];
}

/* ds = scale p (dp - sum over the row of p dp), over dp in place. */
static void score_gradients(const struct desk *desk, int64_t s, float scale)
{
    for (int64_t i = 0; i < s; i++) {
        const float *p = desk->p + i * s;
        float *dp = desk->ds + i * s;
        double mean = 0;
        for (int64_t j = 0; j < s; j++) mean += (double)(p[j] * dp[j]);
        for (int64_t j = 0; j < s; j++) dp[j] = scale * p[j] * (dp[j] - (float)mean);
    }
}

static void backward_head(void *context, int64_t item, int thread)
{
    const struct job *job = context;
    const struct attention_sizes z = job->z;
    const struct desk desk = desk_of(job, thread);
    const int64_t n = item / z.heads, h = item % z.heads, row = 3 * z.d;
    const float *q = (const float *)job->call->in[0].data + n * z.s * row + h * z.width, *k = q + z.d, *v = k + z.d;
    const float *dy = (const float *)job->call->dout[0].data + n * z.s * z.d + h * z.width;
    const float *log_sum = (const float *)job->call->saved[0].data + item * z.s;
    float *dq = (float *)job->call->din[0].data + n * z.s * row + h * z.width, *dk = dq + z.d, *dv = dk + z.d;
    float *turned = desk.ds + z.s * z.s;
    product_transposed(&desk, desk.p, z.s, q, row, k, row, z.s, z.s, z.width);
    for (int64_t i = 0; i < z.s; i++) (void)exponentials(desk.p + i * z.s, z.s, job->scale, log_sum[i]);
    product_transposed(&desk, desk.ds, z.s, dy, z.d, v, row, z.s, z.s, z.width);
    transpose(turned, desk.p, z.s);
    product(&desk, dv, row, turned, z.s, dy, z.d, z.s, z.width, z.s);
    score_gradients(&desk, z.s, job->scale);
    product(&desk, dq, row, desk.ds, z.s, k, row, z.s, z.width, z.s);
    transpose(turned, desk.ds, z.s);
    product(&desk, dk, row, turned, z.s, q, row, z.s, z.width, z.s);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = make_job(call);
    pool_run(step->pool, step->n * job.z.heads, backward_head, &job);
}

extern const struct kernel ISA_NAME(attention_cpu);
const struct kernel ISA_NAME(attention_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
