/* The two products of layers with weights, spread over the pool. Included by *_cpu.c only.
 *   rows:    y[m][n] = a[m][depth] b          (forward, and the gradient of the input)
 *   weights: dw[o][k] = sum over samples of dy[pixel][o] x[pixel][k]   (the gradient of the weight; sums by leaves)
 * Thread: the kernel's; works over the pool. */
#pragma once

#include "engine/backends/cpu/gemm.h"
#include "engine/backends/cpu/parallel.h"
#include "engine/ops/leaves.h"

/* ---- the weights of a layer as elements: themselves, or rounded once for each product ---- */

struct rounding {
    element *to;
    const float *weight;
    int64_t count;
};

static inline void rounding_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct rounding *job = context;
    const int64_t end = parallel_end(chunk, job->count);
    for (int64_t i = chunk * PARALLEL_CHUNK; i < end; i++) job->to[i] = element_of(job->weight[i]);
}

/* Elements of room that product_weights wants, in whole cache lines. */
static inline int64_t product_weights_room(int64_t count)
{
    return sizeof(element) < sizeof(float) ? (count + 63) / 64 * 64 : 0;
}

static inline const element *product_weights(struct pool *pool, const float *weight, int64_t count, element *room)
{
#if defined(LATHE_BF16)
    struct rounding job = {room, weight, count};
    pool_run(pool, parallel_chunks(count), rounding_chunk, &job);
    return room;
#else
    (void)pool, (void)count, (void)room, (void)rounding_chunk;
    return weight;
#endif
}

/* ---- rows ---- */

struct product {
    struct gemm_rows y;
    const element *a, *weight;
    int64_t lda, ldw, m, n, depth;
    bool transposed; /* b = weight^T (weight is [n][depth]); else b = weight ([depth][n]) */
    element *packed; /* [panels][depth][NR] */
    element *spare;  /* [threads][gemm_spare] */
};

/* Rows and columns of one chunk: what GEMM_DEPTH of it needs, and its sums, stay in the second-level cache. */
static inline int64_t product_rows(int64_t depth)
{
    return (gemm_depth(depth, 0) > 1024 ? 64 : 144) / MR * MR;
}
enum { PRODUCT_COLUMNS = 192 };

static inline int64_t product_groups(int64_t n)
{
    return (n + PRODUCT_COLUMNS - 1) / PRODUCT_COLUMNS;
}

static inline void product_pack(void *context, int64_t panel, int thread)
{
    (void)thread;
    const struct product *job = context;
    element *to = job->packed + panel * gemm_padded(job->depth) * NR;
    if (job->transposed)
        gemm_pack_transposed(to, job->weight, job->ldw, job->n, job->depth, panel);
    else
        gemm_pack(to, job->weight, job->ldw, job->n, job->depth, panel);
}

static inline void product_chunk(void *context, int64_t chunk, int thread)
{
    const struct product *job = context;
    const int64_t groups = product_groups(job->n), most = product_rows(job->depth), first = chunk / groups * most,
                  rows = job->m - first < most ? job->m - first : most, column = chunk % groups * PRODUCT_COLUMNS,
                  columns = job->n - column < PRODUCT_COLUMNS ? job->n - column : PRODUCT_COLUMNS;
    struct gemm_rows y = job->y;
    y.c = (element *)y.c + first * y.ldc + column;
    if (y.bias) y.bias += column;
    gemm_rows(&y, job->a + first * job->lda, job->lda, job->packed + column * gemm_padded(job->depth), rows, columns,
              job->depth, job->spare + thread * gemm_spare(job->depth));
    vec_stream_end();
}

/* Elements of workspace for packed weights of so many columns and such a depth; and for a product with them. */
static inline int64_t product_packed(int64_t n, int64_t depth)
{
    return gemm_panels(n) * NR * gemm_padded(depth);
}
static inline int64_t product_elements(int64_t n, int64_t depth, int threads)
{
    return product_weights_room(n * depth) + product_packed(n, depth) + threads * gemm_spare(depth);
}

/* `weight` has `count` floats in all. */
static inline void product_run(struct pool *pool, struct product *job, const float *weight, int64_t count,
                               element *workspace)
{
    job->weight = product_weights(pool, weight, count, workspace);
    job->packed = workspace + product_weights_room(count);
    job->spare = job->packed + product_packed(job->n, job->depth);
    job->y.stream = element_streams(job->y.c, job->y.ldc, job->m, job->n);
    pool_run(pool, gemm_panels(job->n), product_pack, job);
    const int64_t rows = product_rows(job->depth);
    pool_run(pool, (job->m + rows - 1) / rows * product_groups(job->n), product_chunk, job);
}

/* ---- weights ---- */

enum { WEIGHTS_O = (MR > 16 ? 6 : 16) * MR, WEIGHTS_K = 16 * NR, WEIGHTS_PIXELS = 128 * PAIR };

/* A layer gives the rows of x, of one pixel each, or where its columns do not lie side by side a function that packs
 * columns of x into panels of NR, `panel` elements apart, for pixels first … first + count - 1 of one sample; columns
 * past the end are 0. */
struct weights {
    const element *x; /* rows ldx apart, or NULL: pack_x */
    int64_t ldx;
    const void *layer;
    void (*pack_x)(const void *layer, element *packed, int64_t panel, int64_t sample, int64_t first, int64_t count,
                   int64_t column, int64_t columns);
    float *dw;
    const element *dy;
    int64_t n, batch, pixels; /* samples, capacity, pixels of one sample */
    int64_t ldy, o, k;        /* row distance of dy; outputs, columns */
    int leaves;
    float *leaf;      /* [leaves][o][k], when there are several */
    element *scratch; /* [threads][WEIGHTS_SCRATCH] */
};

enum { WEIGHTS_SCRATCH = WEIGHTS_O * WEIGHTS_PIXELS + WEIGHTS_K * WEIGHTS_PIXELS };

static inline int64_t weights_tiles(int64_t o, int64_t k)
{
    return ((o + WEIGHTS_O - 1) / WEIGHTS_O) * ((k + WEIGHTS_K - 1) / WEIGHTS_K);
}

/* Few tiles want many leaves, so that there is work for all; many tiles want one, so that memory stays small. */
static inline int weights_leaves(int64_t batch, int64_t o, int64_t k)
{
    int leaves = leaf_count(batch);
    while (leaves > 1 && weights_tiles(o, k) * leaves > 32) leaves /= 2;
    return leaves;
}

/* Bytes of workspace with so many leaves. */
static inline size_t weights_room(int leaves, int64_t o, int64_t k, int threads)
{
    const size_t leaf = leaves > 1 ? (size_t)leaves * (size_t)(o * k) * sizeof(float) : 0;
    return leaf + (size_t)threads * WEIGHTS_SCRATCH * sizeof(element);
}
static inline size_t weights_bytes(int64_t batch, int64_t o, int64_t k, int threads)
{
    return weights_room(weights_leaves(batch, o, k), o, k, threads);
}

/* A tile of one leaf's sum, and the pixels packed for it so far: of several samples, where they are small. */
struct weights_tile {
    const struct weights *job;
    float *to;
    element *packed, *right;        /* panels of MR outputs, panels of NR columns, WEIGHTS_PIXELS deep */
    const element *left;            /* what is multiplied: packed, or rows of dy */
    int64_t left_output, left_step; /* distances of its outputs and steps */
    int64_t o0, k0, rows, columns, count;
    int64_t next, end; /* pixels, counted over samples, to be packed next: asked for while products are formed */
    bool add;          /* there is a sum already */
};

/* Packs x of pixels first … first + count - 1 of a sample behind those that are there. */
static inline void weights_gather_x(struct weights_tile *tile, int64_t sample, int64_t first, int64_t count)
{
    const struct weights *job = tile->job;
    element *right = tile->right + tile->count * NR;
    if (job->x) {
        const element *x = job->x + (sample * job->pixels + first) * job->ldx + tile->k0;
        for (int64_t k = 0; k < tile->columns; k += NR, right += NR * WEIGHTS_PIXELS)
            gemm_pack_rows(right, x + k, job->ldx, tile->columns - k, count, NR);
    } else {
        job->pack_x(job->layer, right, NR * WEIGHTS_PIXELS, sample, first, count, tile->k0, tile->columns);
    }
    tile->count += gemm_padded(count);
}

/* The same with their gradients, the rows dy. */
static inline void weights_gather(struct weights_tile *tile, const element *dy, int64_t sample, int64_t first,
                                  int64_t count)
{
    dy += tile->o0;
    for (int64_t i = 0; i < tile->rows; i += MR)
        gemm_pack_left(tile->packed + i * WEIGHTS_PIXELS, WEIGHTS_PIXELS, tile->count, dy + i, tile->job->ldy,
                       tile->rows - i, count);
    tile->left = tile->packed;
    tile->left_output = WEIGHTS_PIXELS;
    tile->left_step = GEMM_LEFT_STEP;
    weights_gather_x(tile, sample, first, count);
}

/* The same for an empty tile and rows dy that are in a cache until it is multiplied: they need no packing, where steps
 * are single pixels. Up to MR_STEP - 1 elements behind the rows are read. */
static inline void weights_gather_near(struct weights_tile *tile, const element *dy, int64_t sample, int64_t first,
                                       int64_t count)
{
#if defined(GEMM_PAIRS)
    weights_gather(tile, dy, sample, first, count);
#else
    tile->left = dy + tile->o0;
    tile->left_output = 1;
    tile->left_step = tile->job->ldy;
    weights_gather_x(tile, sample, first, count);
#endif
}

/* Asks for rows of the next `count` pixels. */
static inline void weights_ask(struct weights_tile *tile, int64_t count)
{
    enum { LINE = 64 / sizeof(element) };
    const struct weights *job = tile->job;
    for (int64_t i = 0; i < count && tile->next < tile->end; i++, tile->next++) {
        const element *dy = job->dy + tile->next * job->ldy + tile->o0;
        for (int64_t o = 0; o < tile->rows; o += LINE) __builtin_prefetch(dy + o, 0, 1);
        if (!job->x) continue;
        const element *x = job->x + tile->next * job->ldx + tile->k0;
        for (int64_t k = 0; k < tile->columns; k += LINE) __builtin_prefetch(x + k, 0, 1);
    }
}

/* Adds the product of what is packed. */
static inline void weights_multiply(struct weights_tile *tile)
{
    const int64_t ldw = tile->job->k, products = (tile->rows + MR - 1) / MR * gemm_panels(tile->columns),
                  ask = (tile->end - tile->next + products - 1) / products;
    float *to = tile->to + tile->o0 * ldw + tile->k0;
    if (!tile->count) return;
    for (int64_t k = 0; k < tile->columns; k += NR)
        for (int64_t i = 0; i < tile->rows; i += MR) {
            const int64_t rows = tile->rows - i < MR ? tile->rows - i : MR;
            weights_ask(tile, ask);
            gemm_floats(to + i * ldw + k, ldw, tile->left + i * tile->left_output, gemm_left_row(WEIGHTS_PIXELS),
                        tile->left_step, tile->right + k * WEIGHTS_PIXELS, rows, tile->columns - k, tile->count,
                        tile->add);
        }
    tile->add = true;
    tile->count = 0;
}

/* The tile of outputs o0 … and columns k0 … of a leaf, nothing in it yet. */
static inline struct weights_tile weights_begin(const struct weights *job, int64_t leaf, int64_t o0, int64_t k0,
                                                int thread)
{
    struct weights_tile tile = {.job = job, .o0 = o0, .k0 = k0};
    tile.to = job->leaves > 1 ? job->leaf + leaf * job->o * job->k : job->dw;
    tile.packed = job->scratch + (int64_t)thread * WEIGHTS_SCRATCH;
    tile.right = tile.packed + WEIGHTS_O * WEIGHTS_PIXELS;
    tile.rows = job->o - o0 < WEIGHTS_O ? job->o - o0 : WEIGHTS_O;
    tile.columns = job->k - k0 < WEIGHTS_K ? job->k - k0 : WEIGHTS_K;
    return tile;
}

/* What comes behind pixel `first` of a sample of this leaf: up to WEIGHTS_PIXELS of it or of the next one. */
static inline void weights_next(struct weights_tile *tile, int64_t sample, int64_t first)
{
    const struct weights *job = tile->job;
    if (first == job->pixels) sample += job->leaves, first = 0;
    const int64_t rest = sample < job->n ? job->pixels - first : 0;
    tile->next = sample * job->pixels + first;
    tile->end = tile->next + (rest < WEIGHTS_PIXELS ? rest : WEIGHTS_PIXELS);
}

/* One tile of one leaf; an empty leaf is zero. */
static inline void weights_chunk(void *context, int64_t chunk, int thread)
{
    const struct weights *job = context;
    const int64_t tiles = weights_tiles(job->o, job->k), at = chunk % tiles, leaf = chunk / tiles,
                  across = (job->k + WEIGHTS_K - 1) / WEIGHTS_K;
    struct weights_tile tile = weights_begin(job, leaf, at / across * WEIGHTS_O, at % across * WEIGHTS_K, thread);
    for (int64_t sample = leaf; sample < job->n; sample += job->leaves)
        for (int64_t first = 0, count; first < job->pixels; first += count) {
            const int64_t room = WEIGHTS_PIXELS - tile.count, rest = job->pixels - first;
            count = rest < room ? rest : room;
            weights_gather(&tile, job->dy + (sample * job->pixels + first) * job->ldy, sample, first, count);
            if (tile.count < WEIGHTS_PIXELS) continue;
            weights_next(&tile, sample, first + count);
            weights_multiply(&tile);
        }
    weights_multiply(&tile);
    for (int64_t o = 0; !tile.add && o < tile.rows; o++)
        memset(tile.to + (tile.o0 + o) * job->k + tile.k0, 0, (size_t)tile.columns * sizeof *tile.to);
}

static inline void weights_combine(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct weights *job = context;
    int64_t count = job->o * job->k, end = parallel_end(chunk, count);
    for (int half = job->leaves / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) {
            const float *from = job->leaf + (l + half) * count;
            float *to = job->leaf + l * count;
            for (int64_t i = chunk * PARALLEL_CHUNK; i < end; i++) to[i] += from[i];
        }
    memcpy(job->dw + chunk * PARALLEL_CHUNK, job->leaf + chunk * PARALLEL_CHUNK,
           (size_t)(end - chunk * PARALLEL_CHUNK) * sizeof(float));
}

/* Gives the job its memory; `leaves` must be what the workspace was made for. */
static inline void weights_place(struct weights *job, int leaves, void *workspace)
{
    job->leaves = leaves;
    job->leaf = workspace;
    job->scratch = (element *)(void *)(job->leaf + (leaves > 1 ? leaves * job->o * job->k : 0));
}

static inline void weights_finish(struct pool *pool, struct weights *job)
{
    if (job->leaves > 1) pool_run(pool, parallel_chunks(job->o * job->k), weights_combine, job);
}

static inline void weights_run(struct pool *pool, struct weights *job, void *workspace)
{
    weights_place(job, weights_leaves(job->batch, job->o, job->k), workspace);
    pool_run(pool, weights_tiles(job->o, job->k) * job->leaves, weights_chunk, job);
    weights_finish(pool, job);
}

/* ---- biases: db[o] = sum of dy over all rows, in double, by leaves ---- */

struct biases {
    float *db;
    const element *dy;
    int64_t n, batch, pixels, o;
};

enum { BIASES_BLOCK = 64 };

static inline void biases_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct biases *job = context;
    const int leaves = leaf_count(job->batch);
    const int64_t first = chunk * BIASES_BLOCK, rest = job->o - first,
                  count = rest < BIASES_BLOCK ? rest : BIASES_BLOCK;
    double leaf[LEAVES_MAX][BIASES_BLOCK] = {{0}};
    for (int64_t n = 0; n < job->n; n++)
        for (int64_t i = 0; i < job->pixels; i++)
            for (int64_t k = 0; k < count; k++)
                leaf[n % leaves][k] += (double)element_value(job->dy[(n * job->pixels + i) * job->o + first + k]);
    for (int64_t k = 0; k < count; k++) {
        LEAVES_COMBINE(double, &leaf[0][k], leaves, BIASES_BLOCK);
        job->db[first + k] = (float)leaf[0][k];
    }
}

static inline void biases_run(struct pool *pool, struct biases *job)
{
    pool_run(pool, (job->o + BIASES_BLOCK - 1) / BIASES_BLOCK, biases_chunk, job);
}
