/* Depthwise convolutions: every channel is one of its own. A tile of neighbouring pixels of one row and one vector of
 * channels is summed in registers, so that a pixel that several taps read is loaded once a row of taps. Loops are
 * written once, for constants; the kernels that matter get theirs below. */
#include "engine/ops/depthwise_cpu.h"

#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"

/* Channels go by lines of the cache, rows in chunks that share what they read. */
enum { TILE = 7, STRIDED_TILE = 8, GROUP = 8 * VEC, LINE = 64 / sizeof(element), ROWS = 4 };

/* Workspace: weights as [tap][c], then partial weight gradients [leaves][tap][c]. */
struct job {
    const struct call *call;
    struct conv2d_sizes s;
    int64_t n, batch;
    const float *weight; /* [tap][c] */
    float *leaf;
    int leaves;
    bool stream;
};

size_t DEPTHWISE(depthwise_workspace)(const struct node *node, int threads)
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

/* One tile and one vector of channels; `to` is its first pixel, `columns` of it exist. */
struct tile {
    const struct conv2d_sizes *s;
    const element *from; /* one sample, from this channel */
    const float *weight; /* [tap][c] from this channel */
    const element *dy;   /* gradient of the weight: one row of the output's gradients */
    element *to;
    float *sums; /* gradient of the weight: of one row of taps [kw][c] */
    int64_t row, column, columns, count;
    vec first;   /* what the sums begin with */
    bool stream; /* stores go past the caches */
};

/* Calls a tile function with the width of the kernel, the stride and whole vectors as constants, where they are common.
 */
#define TILE_DISPATCH(function, tile)                                                                                  \
    do {                                                                                                               \
        const int64_t tile_kw = (tile)->s->kw, tile_sw = (tile)->s->sw;                                                \
        if ((tile)->count == VEC && tile_kw == 3 && tile_sw == 1)                                                      \
            function(tile, 3, 1, VEC);                                                                                 \
        else if ((tile)->count == VEC && tile_kw == 3 && tile_sw == 2)                                                 \
            function(tile, 3, 2, VEC);                                                                                 \
        else if ((tile)->count == VEC && tile_kw == 5 && tile_sw == 1)                                                 \
            function(tile, 5, 1, VEC);                                                                                 \
        else if ((tile)->count == VEC && tile_kw == 5 && tile_sw == 2)                                                 \
            function(tile, 5, 2, VEC);                                                                                 \
        else if ((tile)->count == VEC && tile_kw == 7 && tile_sw == 1)                                                 \
            function(tile, 7, 1, VEC);                                                                                 \
        else                                                                                                           \
            function(tile, (int)tile_kw, (int)tile_sw, (int)(tile)->count);                                            \
    } while (0)

/* Pixels of a tile: for strides above 1 a multiple of the stride. */
static inline __attribute__((always_inline)) int tile_size(int64_t stride)
{
    return stride == 1 ? TILE : (int)(STRIDED_TILE / stride * stride);
}

static inline __attribute__((always_inline)) void store_sum(const struct tile *o, int t, vec sum, int64_t count)
{
    if (o->stream)
        element_stream(o->to + t * o->s->c, sum);
    else
        element_store_some(o->to + t * o->s->c, sum, count);
}

/* Asks for a line of channels of up to `count` pixels of a row, which the tile below this one reads: lines that lie a
 * pixel apart would each be waited for. */
static inline void ask(const element *row, int64_t c, int64_t width, int64_t column, int64_t count)
{
    for (int64_t i = column; i < column + count && i < width; i++) __builtin_prefetch(row + i * c, 0, 1);
}

/* ---- forward: one output row of one sample ---- */

/* y[t] = sum over taps (i, j) of x[oh sh - top + i][(ow + t) sw - left + j] w[i][j] */
static inline __attribute__((always_inline)) void forward_tile(const struct tile *o, const int kw, const int sw,
                                                               const int count)
{
    const struct conv2d_sizes *s = o->s;
    const int size = tile_size(sw);
    const int64_t begin = o->column * sw - s->left;
    vec sum[STRIDED_TILE];
    for (int t = 0; t < size; t++) sum[t] = o->first;
    for (int64_t i = 0; i < s->kh; i++) {
        const int64_t h = o->row * s->sh - s->top + i;
        if (h < 0 || h >= s->h) continue;
        const element *x = o->from + h * s->w * s->c;
        const float *w = o->weight + i * kw * s->c;
#pragma GCC unroll 32
        for (int q = 0; q < (size - 1) * sw + kw; q++) {
            const int64_t v = begin + q;
            if (v < 0 || v >= s->w) continue;
            const vec value = element_load_some(x + v * s->c, count);
#pragma GCC unroll 8
            for (int t = 0; t < size; t++) {
                const int j = q - t * sw;
                if (j >= 0 && j < kw) sum[t] += value * vec_load_some(w + j * s->c, count);
            }
        }
    }
    for (int t = 0; t < size && t < o->columns; t++) store_sum(o, t, sum[t], count);
}

static void forward_row(const struct job *job, int64_t row)
{
    const struct conv2d_sizes *s = &job->s;
    const element *x = (const element *)job->call->in[0].data + row / s->oh * s->h * s->w * s->c;
    const float *bias = job->call->in[2].data;
    element *y = (element *)job->call->out[0].data + row * s->ow * s->c;
    const int size = tile_size(s->sw);
    struct tile tile = {.s = s, .row = row % s->oh, .stream = job->stream};
    const int64_t next = tile.row * s->sh - s->top + s->kh; /* the first input row that the next one reads besides */
    for (int64_t line = 0; line < s->c; line += LINE)
        for (tile.column = 0; tile.column < s->ow; tile.column += size) {
            for (int64_t h = next < 0 ? 0 : next; h < s->h && h < next + s->sh; h++)
                ask(x + h * s->w * s->c + line, s->c, s->w, tile.column * s->sw, size * s->sw);
            for (int64_t k = line; k < s->c && k < line + LINE; k += VEC) {
                tile.from = x + k;
                tile.weight = job->weight + k;
                tile.count = s->c - k < VEC ? s->c - k : VEC;
                tile.first = bias ? vec_load_some(bias + k, tile.count) : (vec){0};
                tile.columns = s->ow - tile.column;
                tile.to = y + tile.column * s->c + k;
                TILE_DISPATCH(forward_tile, &tile);
            }
        }
}

static void forward_rows(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    const int64_t rows = job->n * job->s.oh;
    for (int64_t row = chunk * ROWS; row < rows && row < (chunk + 1) * ROWS; row++) forward_row(job, row);
    vec_stream_end();
}

void DEPTHWISE(depthwise_forward)(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    job.stream = element_streams(call->out[0].data, job.s.c, job.n * job.s.oh * job.s.ow, job.s.c);
    pool_run(step->pool, (job.n * job.s.oh + ROWS - 1) / ROWS, forward_rows, &job);
}

/* ---- gradient of the input: one input row of one sample ---- */

/* dx[t] = sum over taps of dy[(h + top - i) / sh][(column + t + left - j) / sw] w[i][j], where both divide. Tiles begin
 * where column + left divides, so that the tap of a pixel t and a dy p further on is j = t - p sw. */
static inline __attribute__((always_inline)) void input_tile(const struct tile *o, const int kw, const int sw,
                                                             const int count)
{
    const struct conv2d_sizes *s = o->s;
    const int size = tile_size(sw);
    const int64_t begin = (o->column + s->left) / sw;
    const int before = (kw - 1) / sw, reads = before + (size - 1) / sw + 1; /* dy that a tile reads */
    vec sum[STRIDED_TILE];
    for (int t = 0; t < size; t++) sum[t] = o->first;
    for (int64_t i = 0; i < s->kh; i++) {
        const int64_t up = o->row + s->top - i;
        if (up < 0 || up % s->sh != 0 || up / s->sh >= s->oh) continue;
        const element *dy = o->from + up / s->sh * s->ow * s->c;
        const float *w = o->weight + i * kw * s->c;
#pragma GCC unroll 32
        for (int q = 0; q < reads; q++) {
            const int p = q - before;
            const int64_t v = begin + p;
            if (v < 0 || v >= s->ow) continue;
            const vec value = element_load_some(dy + v * s->c, count);
#pragma GCC unroll 8
            for (int t = 0; t < size; t++) {
                const int j = t - p * sw;
                if (j >= 0 && j < kw) sum[t] += value * vec_load_some(w + j * s->c, count);
            }
        }
    }
    for (int t = 0; t < size && t < o->columns; t++)
        if (o->column + t >= 0) store_sum(o, t, sum[t], count);
}

static void input_row(const struct job *job, int64_t row)
{
    const struct conv2d_sizes *s = &job->s;
    const element *dy = (const element *)job->call->dout[0].data + row / s->h * s->oh * s->ow * s->c;
    element *dx = (element *)job->call->din[0].data + row * s->w * s->c;
    const int size = tile_size(s->sw);
    struct tile tile = {.s = s, .row = row % s->h, .stream = job->stream};
    for (int64_t line = 0; line < s->c; line += LINE)
        for (tile.column = -(s->left % s->sw); tile.column < s->w; tile.column += size)
            for (int64_t k = line; k < s->c && k < line + LINE; k += VEC) {
                tile.from = dy + k;
                tile.weight = job->weight + k;
                tile.count = s->c - k < VEC ? s->c - k : VEC;
                tile.columns = s->w - tile.column;
                tile.to = dx + tile.column * s->c + k;
                TILE_DISPATCH(input_tile, &tile);
            }
}

static void input_rows(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    const int64_t rows = job->n * job->s.h;
    for (int64_t row = chunk * ROWS; row < rows && row < (chunk + 1) * ROWS; row++) input_row(job, row);
    vec_stream_end();
}

/* ---- gradient of the weight: one leaf, a group of channels; rows are summed by themselves first, since sums of sums
 * round less than one long sum ---- */

/* sum[j] += dy[t] x[(ow + t) sw - left + j] over a whole tile; two sums of each, so that adds need not wait. */
static inline __attribute__((always_inline)) void weight_tile(vec *sum, const struct tile *o, const element *dy,
                                                              const int kw, const int sw, const int count,
                                                              const int size)
{
    const struct conv2d_sizes *s = o->s;
    const int64_t begin = o->column * sw - s->left;
    vec d[TILE];
    for (int t = 0; t < size; t++) d[t] = element_load_some(dy + t * s->c, count);
#pragma GCC unroll 32
    for (int q = 0; q < (size - 1) * sw + kw; q++) {
        const int64_t v = begin + q;
        if (v < 0 || v >= s->w) continue;
        const vec value = element_load_some(o->from + v * s->c, count);
#pragma GCC unroll 8
        for (int t = 0; t < size; t++) {
            const int j = q - t * sw;
            if (j >= 0 && j < kw) sum[2 * j + t % 2] += value * d[t];
        }
    }
}

/* One output row under one row of taps: o->from is the input row, o->dy the output's gradients, o->sums what to add
 * to. */
static inline __attribute__((always_inline)) void weight_row(const struct tile *o, const int kw, const int sw,
                                                             const int count)
{
    const struct conv2d_sizes *s = o->s;
    struct tile tile = *o;
    vec sum[2 * DEPTHWISE_WIDTH_MAX];
    for (int j = 0; j < 2 * kw; j++) sum[j] = (vec){0};
    for (; tile.column + TILE <= s->ow; tile.column += TILE)
        weight_tile(sum, &tile, o->dy + tile.column * s->c, kw, sw, count, TILE);
    for (; tile.column < s->ow; tile.column++) weight_tile(sum, &tile, o->dy + tile.column * s->c, kw, sw, count, 1);
    for (int j = 0; j < kw; j++) {
        float *to = o->sums + j * s->c;
        vec_store_some(to, vec_load_some(to, count) + (sum[2 * j] + sum[2 * j + 1]), count);
    }
}

/* All rows of taps under one output row, for one vector of channels. */
static void weight_rows(const struct job *job, float *leaf, int64_t n, int64_t oh, int64_t k)
{
    const struct conv2d_sizes *s = &job->s;
    const element *x = (const element *)job->call->in[0].data + n * s->h * s->w * s->c + k;
    struct tile tile = {.s = s, .count = s->c - k < VEC ? s->c - k : VEC};
    tile.dy = (const element *)job->call->dout[0].data + (n * s->oh + oh) * s->ow * s->c + k;
    for (int64_t i = 0; i < s->kh; i++) {
        const int64_t h = oh * s->sh - s->top + i;
        if (h < 0 || h >= s->h) continue;
        tile.from = x + h * s->w * s->c;
        tile.sums = leaf + i * s->kw * s->c + k;
        TILE_DISPATCH(weight_row, &tile);
    }
}

static void weight_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t groups = (s->c + GROUP - 1) / GROUP, leaf = chunk / groups, first = chunk % groups * GROUP,
                  taps = s->kh * s->kw;
    const int64_t end = first + GROUP < s->c ? first + GROUP : s->c;
    float *sums = job->leaf + leaf * taps * s->c;
    for (int64_t t = 0; t < taps; t++) memset(sums + t * s->c + first, 0, (size_t)(end - first) * sizeof *sums);
    for (int64_t n = leaf; n < job->n; n += job->leaves)
        for (int64_t oh = 0; oh < s->oh; oh++)
            for (int64_t k = first; k < end; k += VEC) weight_rows(job, sums, n, oh, k);
}

static void weight_gradient(struct job *job, struct pool *pool)
{
    const int64_t taps = job->s.kh * job->s.kw, c = job->s.c;
    float *dw = job->call->din[1].data;
    pool_run(pool, job->leaves * ((c + GROUP - 1) / GROUP), weight_chunk, job);
    for (int64_t i = 0; i < taps * c; i++) LEAVES_COMBINE(float, job->leaf + i, job->leaves, taps * c);
    for (int64_t t = 0; t < taps; t++)
        for (int64_t k = 0; k < c; k++) dw[k * taps + t] = job->leaf[t * c + k];
}

void DEPTHWISE(depthwise_backward)(const struct call *call, const struct step *step)
{
    struct job job = make_job(call, step);
    job.stream = element_streams(call->din[0].data, job.s.c, job.n * job.s.h * job.s.w, job.s.c);
    if (call->din[0].data) pool_run(step->pool, (job.n * job.s.h + ROWS - 1) / ROWS, input_rows, &job);
    if (call->din[1].data) weight_gradient(&job, step->pool);
}
