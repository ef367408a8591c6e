#include "engine/ops/depthwise_cpu.h"

#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"

enum { BLOCK = 2 * VEC };

/* Workspace: weights as [tap][c], then partial weight gradients [leaves][tap][c]. */
struct job {
    const struct call *call;
    struct conv2d_sizes s;
    int64_t n, batch;
    const float *weight; /* [tap][c] */
    float *leaf;
    int leaves;
};

size_t ISA_NAME(depthwise_workspace)(const struct node *node, int threads)
{
    (void)threads;
    const struct conv2d_sizes s = conv2d_sizes(node);
    return (size_t)(s.kh * s.kw * s.c * (1 + leaf_count(node->in[0]->shape.size[0]))) * sizeof(float);
}

static struct job make_job(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .s = conv2d_sizes(call->node), .n = step->n, .batch = call->in[0].shape.size[0]};
    const float *weight = call->in[1].data;
    const int64_t taps = job.s.kh * job.s.kw, c = job.s.c;
    float *by_tap = call->workspace;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t k = 0; k < c; k++) by_tap[t * c + k] = weight[k * taps + t];
    job.weight = by_tap;
    job.leaf = by_tap + taps * c;
    job.leaves = leaf_count(job.batch);
    return job;
}

/* Sum over taps at one pixel for a block of channels: x at several places, the tap's weights. Whole blocks and a rest.
 */
static inline void sum_taps(float *to, const float *const *x, const float *const *w, int taps, int64_t channels,
                            int64_t k)
{
    if (channels - k >= BLOCK) {
        vec one = {0}, two = {0};
        for (int t = 0; t < taps; t++) {
            one += vec_load(x[t] + k) * vec_load(w[t] + k);
            two += vec_load(x[t] + k + VEC) * vec_load(w[t] + k + VEC);
        }
        vec_store(to + k, one);
        vec_store(to + k + VEC, two);
        return;
    }
    for (int64_t left = channels - k; left > 0; left -= VEC, k += VEC) {
        int64_t count = left < VEC ? left : VEC;
        vec sum = {0};
        for (int t = 0; t < taps; t++) sum += vec_load_some(x[t] + k, count) * vec_load_some(w[t] + k, count);
        vec_store_some(to + k, sum, count);
    }
}

/* ---- forward: one output row of one sample ---- */

static void forward_row(void *context, int64_t row, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t n = row / s->oh, oh = row % s->oh;
    const float *x = (const float *)job->call->in[0].data + n * s->h * s->w * s->c, *at[DEPTHWISE_TAPS_MAX],
                *w[DEPTHWISE_TAPS_MAX];
    const float *bias = job->call->in[2].data;
    float *y = (float *)job->call->out[0].data + row * s->ow * s->c;
    for (int64_t ow = 0; ow < s->ow; ow++, y += s->c) {
        int taps = 0;
        for (int64_t i = 0; i < s->kh; i++)
            for (int64_t j = 0; j < s->kw; j++) {
                const int64_t h = oh * s->sh - s->top + i, v = ow * s->sw - s->left + j;
                if (h < 0 || h >= s->h || v < 0 || v >= s->w) continue;
                at[taps] = x + (h * s->w + v) * s->c;
                w[taps++] = job->weight + (i * s->kw + j) * s->c;
            }
        for (int64_t k = 0; k < s->c; k += BLOCK) sum_taps(y, at, w, taps, s->c, k);
        for (int64_t k = 0; bias && k < s->c; k++) y[k] += bias[k];
    }
}

void ISA_NAME(depthwise_forward)(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    pool_run(step->pool, job.n * job.s.oh, forward_row, &job);
}

/* ---- gradient of the input: one input row of one sample ---- */

static void input_row(void *context, int64_t row, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t n = row / s->h, h = row % s->h;
    const float *dy = (const float *)job->call->dout[0].data + n * s->oh * s->ow * s->c, *at[DEPTHWISE_TAPS_MAX],
                *w[DEPTHWISE_TAPS_MAX];
    float *dx = (float *)job->call->din[0].data + row * s->w * s->c;
    for (int64_t v = 0; v < s->w; v++, dx += s->c) {
        int taps = 0;
        for (int64_t i = 0; i < s->kh; i++) {
            const int64_t up = h + s->top - i;
            if (up < 0 || up % s->sh != 0 || up / s->sh >= s->oh) continue;
            for (int64_t j = 0; j < s->kw; j++) {
                const int64_t along = v + s->left - j;
                if (along < 0 || along % s->sw != 0 || along / s->sw >= s->ow) continue;
                at[taps] = dy + (up / s->sh * s->ow + along / s->sw) * s->c;
                w[taps++] = job->weight + (i * s->kw + j) * s->c;
            }
        }
        for (int64_t k = 0; k < s->c; k += BLOCK) sum_taps(dx, at, w, taps, s->c, k);
    }
}

/* ---- gradient of the weight: one leaf, one vector of channels; all taps' sums in registers where there are few ----
 */

/* Adds one output row; `taps_h`, `taps_w` are constants in the callers that matter. */
static inline __attribute__((always_inline)) void weight_row(vec *sum, const struct conv2d_sizes *s, const float *x,
                                                             const float *dy, int64_t oh, int64_t count,
                                                             const int taps_h, const int taps_w)
{
    for (int64_t ow = 0; ow < s->ow; ow++, dy += s->c) {
        const vec d = count == VEC ? vec_load(dy) : vec_load_some(dy, count);
        for (int i = 0; i < taps_h; i++) {
            const int64_t h = oh * s->sh - s->top + i;
            if (h < 0 || h >= s->h) continue;
            for (int j = 0; j < taps_w; j++) {
                const int64_t v = ow * s->sw - s->left + j;
                if (v < 0 || v >= s->w) continue;
                const float *at = x + (h * s->w + v) * s->c;
                sum[i * taps_w + j] += d * (count == VEC ? vec_load(at) : vec_load_some(at, count));
            }
        }
    }
}

/* Each output row is summed by itself first: sums of sums round less than one long sum. */
static void weight_rows(vec *sum, const struct conv2d_sizes *s, const float *x, const float *dy, int64_t count)
{
    const int64_t taps = s->kh * s->kw;
    for (int64_t oh = 0; oh < s->oh; oh++, dy += s->ow * s->c) {
        vec row[DEPTHWISE_TAPS_MAX];
        for (int64_t t = 0; t < taps; t++) row[t] = (vec){0};
        if (s->kh == 3 && s->kw == 3)
            weight_row(row, s, x, dy, oh, count, 3, 3);
        else if (s->kh == 5 && s->kw == 5)
            weight_row(row, s, x, dy, oh, count, 5, 5);
        else
            weight_row(row, s, x, dy, oh, count, (int)s->kh, (int)s->kw);
        for (int64_t t = 0; t < taps; t++) sum[t] += row[t];
    }
}

static void weight_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t blocks = (s->c + VEC - 1) / VEC, leaf = chunk / blocks, k = chunk % blocks * VEC,
                  taps = s->kh * s->kw;
    const int64_t count = s->c - k < VEC ? s->c - k : VEC;
    vec sum[DEPTHWISE_TAPS_MAX];
    for (int64_t t = 0; t < taps; t++) sum[t] = (vec){0};
    for (int64_t n = leaf; n < job->n; n += job->leaves)
        weight_rows(sum, s, (const float *)job->call->in[0].data + n * s->h * s->w * s->c + k,
                    (const float *)job->call->dout[0].data + n * s->oh * s->ow * s->c + k, count);
    for (int64_t t = 0; t < taps; t++) vec_store_some(job->leaf + (leaf * taps + t) * s->c + k, sum[t], count);
}

static void weight_gradient(struct job *job, struct pool *pool)
{
    const int64_t taps = job->s.kh * job->s.kw, c = job->s.c;
    float *dw = job->call->din[1].data;
    pool_run(pool, job->leaves * ((c + VEC - 1) / VEC), weight_chunk, job);
    for (int64_t i = 0; i < taps * c; i++) LEAVES_COMBINE(float, job->leaf + i, job->leaves, taps * c);
    for (int64_t t = 0; t < taps; t++)
        for (int64_t k = 0; k < c; k++) dw[k * taps + t] = job->leaf[t * c + k];
}

void ISA_NAME(depthwise_backward)(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    if (call->din[0].data) pool_run(step->pool, job.n * job.s.h, input_row, &job);
    if (call->din[1].data) weight_gradient(&job, step->pool);
}
