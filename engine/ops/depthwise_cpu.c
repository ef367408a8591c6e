/* Depthwise convolutions: every channel is one of its own. A tile of neighbouring pixels of one row and one vector of
 * channels is summed in registers, so that a pixel that several taps read is loaded once a row of taps; vectors of the
 * same pixels follow each other, as they lie in memory. Tiles are written once, for constants; the kernels that matter
 * get theirs in TILE_DISPATCH. */
#include "engine/ops/depthwise_cpu.h"

#include "engine/backends/pool.h"
#include "engine/ops/leaves.h"

/* Pixels of a tile; channels that share what stays in the nearest cache, and those of one of its lines; rows of a
 * chunk, which share what they read. */
enum { TILE = 7, STRIDED_TILE = 8, GROUP = 96, LINE = 64 / sizeof(element), ROWS = 4 };

/* Workspace: weights as [tap][c], then partial weight gradients [leaves][tap][c], then those of one row of pixels
 * [threads][tap][c]. */
struct job {
    const struct call *call;
    struct conv2d_sizes s;
    int64_t n, batch;
    int64_t group;       /* channels of a group, in whole lines */
    const float *weight; /* [tap][c] */
    float *leaf, *row;
    int leaves;
    bool stream;
};

/* Groups are all nearly as large. */
static int64_t group_of(int64_t c)
{
    const int64_t lines = (c + LINE - 1) / LINE, groups = (c + GROUP - 1) / GROUP;
    return (lines + groups - 1) / groups * LINE;
}

size_t DEPTHWISE(depthwise_workspace)(const struct node *node, int threads)
{
    const struct conv2d_sizes s = conv2d_sizes(node);
    const int64_t sets = 1 + leaf_count(node->in[0]->shape.size[0]) + threads;
    return (size_t)(s.kh * s.kw * s.c * sets) * sizeof(float);
}

static struct job make_job(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .s = conv2d_sizes(call->node), .n = step->n, .batch = call->in[0].shape.size[0]};
    const float *weight = call->in[1].data;
    const int64_t taps = job.s.kh * job.s.kw, c = job.s.c;
    float *by_tap = call->workspace;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t k = 0; k < c; k++) by_tap[t * c + k] = weight[k * taps + t];
    job.group = group_of(c);
    job.weight = by_tap;
    job.leaf = by_tap + taps * c;
    job.leaves = leaf_count(job.batch);
    job.row = job.leaf + job.leaves * taps * c;
    return job;
}

/* One row of taps, and the row of pixels that it meets. */
struct taps {
    const element *row;
    const float *weight; /* [kw][c] */
    float *leaf, *sums;  /* gradient of the weight: [kw][c] of the rows before, and of this one so far */
};

/* One tile. Of the pixels that it would read, `reads` in all, those from … end - 1 are there. */
struct tile {
    int64_t c;
    struct taps taps[DEPTHWISE_SIDE_MAX];
    int rows;   /* of taps, those inside the picture */
    int64_t at; /* where the first pixel to be read would be in its row: may lie before it */
    int from, end;
    element *to; /* the tile's first pixel, of which those from `first` are there, `columns` in all */
    int first, columns;
    int kw, sw;
    bool whole;  /* everything is there */
    bool stream; /* stores go past the caches */
    const float *bias;
    const element *dy; /* gradient of the weight: of the tile's first pixel */
    bool begins, ends; /* the same: the tile is the first one, the last one of its row */
};

/* Calls function(tile, k, count, kw, sw, whole) for each vector of the channels k … last - 1, with everything but tile
 * and k as constants where it is common. */
#define TILE_VECTORS(function, tile, k, last, kw, sw, whole)                                                           \
    for (; (k) + VEC <= (last); (k) += VEC) function(tile, k, VEC, kw, sw, whole)
#define TILE_CASE(function, tile, k, last, width, stride)                                                              \
    if ((tile)->kw == (width) && (tile)->sw == (stride)) {                                                             \
        if ((tile)->whole)                                                                                             \
            TILE_VECTORS(function, tile, k, last, width, stride, true);                                                \
        else                                                                                                           \
            TILE_VECTORS(function, tile, k, last, width, stride, false);                                               \
    }
#define TILE_DISPATCH(function, tile, channel, last)                                                                   \
    do {                                                                                                               \
        int64_t tile_k = (channel);                                                                                    \
        TILE_CASE(function, tile, tile_k, last, 3, 1)                                                                  \
        TILE_CASE(function, tile, tile_k, last, 3, 2)                                                                  \
        TILE_CASE(function, tile, tile_k, last, 5, 1)                                                                  \
        TILE_CASE(function, tile, tile_k, last, 5, 2)                                                                  \
        TILE_CASE(function, tile, tile_k, last, 7, 1)                                                                  \
        for (; tile_k < (last); tile_k += VEC)                                                                         \
            function(tile, tile_k, (last)-tile_k < VEC ? (last)-tile_k : VEC, (tile)->kw, (tile)->sw, false);          \
    } while (0)

/* Pixels of a tile: for strides above 1 a multiple of the stride. */
static inline __attribute__((always_inline)) int tile_size(int stride)
{
    return stride == 1 ? TILE : STRIDED_TILE / stride * stride;
}

/* Where the tile's reads and results lie: `reads` pixels from `begin` on in a row of `width`, `size` results from
 * `column` on in a row of `columns`. */
static void place(struct tile *o, int64_t begin, int reads, int64_t width, int64_t column, int size, int64_t columns)
{
    o->at = begin * o->c;
    o->from = begin < 0 ? (int)-begin : 0;
    o->end = width - begin < reads ? (int)(width - begin) : reads;
    o->first = column < 0 ? (int)-column : 0;
    o->columns = columns - column < size ? (int)(columns - column) : size;
    o->whole = o->from == 0 && o->end == reads && o->first == 0 && o->columns == size;
}

static inline __attribute__((always_inline)) void store_sums(const struct tile *o, int64_t k, const vec *sum,
                                                             const int size, const int64_t count, const bool whole)
{
    element *to = o->to + k;
#pragma GCC unroll 8
    for (int t = 0; t < size; t++, to += o->c) {
        if (!whole && (t < o->first || t >= o->columns)) continue;
        if (o->stream)
            element_stream(to, sum[t]);
        else
            element_store_some(to, sum[t], count);
    }
}

/* Pixels of dy that a tile of dx reads in front of the one that meets its first pixel by the first tap. */
static inline __attribute__((always_inline)) int reads_before(int kw, int sw)
{
    return (kw - 1) / sw;
}

static inline __attribute__((always_inline)) int tile_reads(int kw, int sw, bool turned)
{
    const int size = tile_size(sw);
    return turned ? reads_before(kw, sw) + (size - 1) / sw + 1 : (size - 1) * sw + kw;
}

/* Sums over taps (i, j):
 *     y[t] += x[oh sh - top + i][(ow + t) sw - left + j] w[i][j]
 *     dx[t] += dy[(h + top - i) / sh][(column + t + left - j) / sw] w[i][j], where both divide   (turned)
 * Tiles of dx begin where column + left divides, so that the tap of a pixel t and a dy p further on is j = t - p sw. */
static inline __attribute__((always_inline)) void sum_tile(const struct tile *o, int64_t k, const int64_t count,
                                                           const int kw, const int sw, const bool whole,
                                                           const bool turned)
{
    const int size = tile_size(sw);
    const vec first = o->bias ? vec_load_some(o->bias + k, count) : (vec){0};
    vec sum[STRIDED_TILE], w[DEPTHWISE_SIDE_MAX];
    for (int t = 0; t < size; t++) sum[t] = first;
    for (int i = 0; i < o->rows; i++) {
        const element *row = o->taps[i].row + k;
        int64_t at = o->at;
#pragma GCC unroll 8
        for (int j = 0; j < kw; j++) w[j] = vec_load_some(o->taps[i].weight + j * o->c + k, count);
#pragma GCC unroll 32
        for (int q = 0; q < tile_reads(kw, sw, turned); q++, at += o->c) {
            if (!whole && (q < o->from || q >= o->end)) continue;
            const vec value = element_load_some(row + at, count);
#pragma GCC unroll 8
            for (int t = 0; t < size; t++) {
                const int j = turned ? t - (q - reads_before(kw, sw)) * sw : q - t * sw;
                if (j >= 0 && j < kw) sum[t] += value * w[j];
            }
        }
    }
    store_sums(o, k, sum, size, count, whole);
}

/* Asks for channels of up to `count` pixels of a row, which the tile below this one reads. */
static inline void ask(const element *row, int64_t c, int64_t width, int64_t column, int64_t count, int64_t channels)
{
    for (int64_t i = column < 0 ? 0 : column; i < column + count && i < width; i++)
        for (int64_t k = 0; k < channels; k += LINE) __builtin_prefetch(row + i * c + k, 0, 1);
}

/* ---- forward: one output row of one sample ---- */

static inline __attribute__((always_inline)) void forward_tile(const struct tile *o, int64_t k, const int64_t count,
                                                               const int kw, const int sw, const bool whole)
{
    sum_tile(o, k, count, kw, sw, whole, false);
}

static void forward_row(const struct job *job, int64_t row)
{
    const struct conv2d_sizes *s = &job->s;
    const element *x = (const element *)job->call->in[0].data + row / s->oh * s->h * s->w * s->c;
    element *y = (element *)job->call->out[0].data + row * s->ow * s->c;
    const int kw = (int)s->kw, sw = (int)s->sw, size = tile_size(sw);
    const int64_t top = row % s->oh * s->sh - s->top, next = top + s->kh; /* the first row that the next one reads */
    struct tile tile = {.c = s->c, .kw = kw, .sw = sw, .bias = job->call->in[2].data, .stream = job->stream};
    for (int64_t i = 0; i < s->kh; i++)
        if (top + i >= 0 && top + i < s->h)
            tile.taps[tile.rows++] = (struct taps){.row = x + (top + i) * s->w * s->c,
                                                   .weight = job->weight + i * kw * s->c};
    for (int64_t k = 0; k < s->c; k += job->group) {
        const int64_t last = k + job->group < s->c ? k + job->group : s->c;
        for (int64_t column = 0; column < s->ow; column += size) {
            for (int64_t h = next < 0 ? 0 : next; h < s->h && h < next + s->sh; h++)
                ask(x + h * s->w * s->c + k, s->c, s->w, column * sw, size * sw, last - k);
            place(&tile, column * sw - s->left, tile_reads(kw, sw, false), s->w, column, size, s->ow);
            tile.to = y + column * s->c;
            TILE_DISPATCH(forward_tile, &tile, k, last);
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

static inline __attribute__((always_inline)) void input_tile(const struct tile *o, int64_t k, const int64_t count,
                                                             const int kw, const int sw, const bool whole)
{
    sum_tile(o, k, count, kw, sw, whole, true);
}

static void input_row(const struct job *job, int64_t row)
{
    const struct conv2d_sizes *s = &job->s;
    const element *dy = (const element *)job->call->dout[0].data + row / s->h * s->oh * s->ow * s->c;
    element *dx = (element *)job->call->din[0].data + row * s->w * s->c;
    const int kw = (int)s->kw, sw = (int)s->sw, size = tile_size(sw);
    struct tile tile = {.c = s->c, .kw = kw, .sw = sw, .stream = job->stream};
    for (int64_t i = 0; i < s->kh; i++) {
        const int64_t up = row % s->h + s->top - i;
        if (up >= 0 && up % s->sh == 0 && up / s->sh < s->oh)
            tile.taps[tile.rows++] = (struct taps){.row = dy + up / s->sh * s->ow * s->c,
                                                   .weight = job->weight + i * kw * s->c};
    }
    for (int64_t k = 0; k < s->c; k += job->group) {
        const int64_t last = k + job->group < s->c ? k + job->group : s->c;
        for (int64_t column = -(s->left % sw); column < s->w; column += size) {
            const int64_t begin = (column + s->left) / sw - reads_before(kw, sw);
            place(&tile, begin, tile_reads(kw, sw, true), s->ow, column, size, s->w);
            tile.to = dx + column * s->c;
            TILE_DISPATCH(input_tile, &tile, k, last);
        }
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

/* sum[i][j] += dy[t] x[(ow + t) sw - left + j] over a tile; where pixels are not there, dy counts as 0. */
static inline __attribute__((always_inline)) void weight_tile(const struct tile *o, int64_t k, const int64_t count,
                                                              const int kw, const int sw, const bool whole)
{
    vec d[TILE], sum[DEPTHWISE_SIDE_MAX];
#pragma GCC unroll 8
    for (int t = 0; t < TILE; t++)
        d[t] = whole || t < o->columns ? element_load_some(o->dy + t * o->c + k, count) : (vec){0};
    for (int i = 0; i < o->rows; i++) {
        const element *x = o->taps[i].row + k;
        int64_t at = o->at;
#pragma GCC unroll 8
        for (int j = 0; j < kw; j++)
            sum[j] = o->begins ? (vec){0} : vec_load_some(o->taps[i].sums + j * o->c + k, count);
#pragma GCC unroll 32
        for (int q = 0; q < (TILE - 1) * sw + kw; q++, at += o->c) {
            if (!whole && (q < o->from || q >= o->end)) continue;
            const vec value = element_load_some(x + at, count);
#pragma GCC unroll 8
            for (int t = 0; t < TILE; t++) {
                const int j = q - t * sw;
                if (j >= 0 && j < kw) sum[j] += value * d[t];
            }
        }
#pragma GCC unroll 8
        for (int j = 0; j < kw; j++) {
            float *to = (o->ends ? o->taps[i].leaf : o->taps[i].sums) + j * o->c + k;
            vec_store_some(to, o->ends ? vec_load_some(to, count) + sum[j] : sum[j], count);
        }
    }
}

/* One output row under all rows of taps, for the channels k … last - 1. */
static void weight_row(const struct job *job, float *leaf, float *sums, int64_t row, int64_t k, int64_t last)
{
    const struct conv2d_sizes *s = &job->s;
    const element *x = (const element *)job->call->in[0].data + row / s->oh * s->h * s->w * s->c,
                  *dy = (const element *)job->call->dout[0].data + row * s->ow * s->c;
    const int kw = (int)s->kw, sw = (int)s->sw, reads = (TILE - 1) * sw + kw;
    const int64_t top = row % s->oh * s->sh - s->top;
    struct tile tile = {.c = s->c, .kw = kw, .sw = sw};
    for (int64_t i = 0; i < s->kh; i++)
        if (top + i >= 0 && top + i < s->h)
            tile.taps[tile.rows++] = (struct taps){
                .row = x + (top + i) * s->w * s->c, .leaf = leaf + i * kw * s->c, .sums = sums + i * kw * s->c};
    for (int64_t column = 0; column < s->ow; column += TILE) {
        place(&tile, column * sw - s->left, reads, s->w, column, TILE, s->ow);
        tile.dy = dy + column * s->c;
        tile.begins = column == 0;
        tile.ends = column + TILE >= s->ow;
        TILE_DISPATCH(weight_tile, &tile, k, last);
    }
}

static void weight_chunk(void *context, int64_t chunk, int thread)
{
    const struct job *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t groups = (s->c + job->group - 1) / job->group, leaf = chunk / groups, k = chunk % groups * job->group,
                  last = k + job->group < s->c ? k + job->group : s->c, taps = s->kh * s->kw;
    float *sums = job->leaf + leaf * taps * s->c, *row = job->row + thread * taps * s->c;
    for (int64_t t = 0; t < taps; t++) memset(sums + t * s->c + k, 0, (size_t)(last - k) * sizeof *sums);
    for (int64_t n = leaf; n < job->n; n += job->leaves)
        for (int64_t oh = 0; oh < s->oh; oh++) weight_row(job, sums, row, n * s->oh + oh, k, last);
}

static void weight_gradient(struct job *job, struct pool *pool)
{
    const int64_t taps = job->s.kh * job->s.kw, c = job->s.c;
    float *dw = job->call->din[1].data;
    pool_run(pool, job->leaves * ((c + job->group - 1) / job->group), weight_chunk, job);
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
