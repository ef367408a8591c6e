/* The gradient of the weights of winograd_cpu.h's convolutions, in as few multiplications: with V of every tile of x,
 *   dM = A dy A^T,  dU = sum over tiles of dM * V,  dw = G^T dU G.
 * The sums over tiles are 16 matrix products, of outputs by channels. One leaf's sums are formed for some outputs and
 * channels at a time, so that they and a block of tiles, transformed, stay in the second-level cache. Included by
 * conv2d_cpu.c only, where elements are floats. Thread: the kernel's; works over the pool. */
#pragma once

#include "engine/backends/cpu/product.h"
#include "engine/ops/winograd_cpu.h"

/* Outputs and channels whose sums are formed at a time, and tiles between two additions to them. */
enum { SUMS_O = 8 * MR, SUMS_C = 64, SUMS_TILES = 48 };

/* Floats from one place to the next: of V (panels of NR channels), dM (by rows) and dU. Not multiples of a page. */
enum {
    SUMS_V_PLACE = SUMS_TILES * SUMS_C + 5 * VEC,
    SUMS_M_ROW = SUMS_O + VEC,
    SUMS_M_PLACE = SUMS_TILES * SUMS_M_ROW + 5 * VEC,
    SUMS_U_PLACE = SUMS_O * SUMS_C + 5 * VEC,
    SUMS_ROOM = PLACES * (SUMS_V_PLACE + SUMS_M_PLACE + SUMS_U_PLACE)
};

struct winograd_weights {
    struct winograd input; /* its s, x and n */
    const float *dy;       /* of one group [n][oh][ow][o] */
    struct weights dw;     /* its leaves */
    float *rooms;          /* per thread: SUMS_ROOM */
};

/* Sums of one leaf: outputs o … o + rows - 1, channels c … c + columns - 1. */
struct winograd_sums {
    const struct winograd_weights *job;
    struct winograd input; /* from channel c */
    float *v, *dm, *du;
    int64_t o, c, rows, columns;
    bool add; /* there is something in them */
};

static inline int64_t winograd_sums_across(const struct conv2d_sizes *s)
{
    return (s->ci + SUMS_C - 1) / SUMS_C;
}
static inline int64_t winograd_sums_tiles(const struct conv2d_sizes *s)
{
    return (s->co + SUMS_O - 1) / SUMS_O * winograd_sums_across(s);
}

/* Bytes of workspace. */
static inline size_t winograd_weights_room(const struct conv2d_sizes *s, int64_t batch, int threads)
{
    const int64_t k = KERNEL * s->ci;
    return weights_room(weights_leaves(batch, s->co, k), s->co, k, 0) + (size_t)threads * SUMS_ROOM * sizeof(float);
}

/* ---- A dy A^T ---- */

static inline void winograd_a_back(vec to[4], vec a, vec b)
{
    to[0] = a;
    to[1] = a + b;
    to[2] = a - b;
    to[3] = -b;
}

/* Where a tile's 2x2 gradients lie; those outside are NULL. */
static inline void winograd_gradients(const float *dy[4], const struct winograd_weights *job, int64_t tile)
{
    const struct conv2d_sizes *s = &job->input.s;
    const int64_t across = winograd_across(s), tiles = winograd_tiles(s), at = tile % tiles, h = at / across * 2,
                  w = at % across * 2;
    const float *first = job->dy + (tile / tiles * s->oh * s->ow + h * s->ow + w) * s->o;
    for (int i = 0; i < 4; i++)
        dy[i] = h + i / 2 < s->oh && w + i % 2 < s->ow ? first + (i / 2 * s->ow + i % 2) * s->o : NULL;
}

/* Transforms one tile's `rows` outputs from o. */
static inline void winograd_back(float *to, const float *const dy[4], int64_t o, int64_t rows)
{
#define GRADIENT(i, k, count) (dy[i] ? vec_load_some(dy[i] + o + (k), count) : (vec){0})
#define TRANSFORM(k, count)                                                                                            \
    do {                                                                                                               \
        vec columns[2][4], row[4];                                                                                     \
        for (int c = 0; c < 2; c++) winograd_a_back(columns[c], GRADIENT(c, k, count), GRADIENT(2 + c, k, count));     \
        for (int r = 0; r < 4; r++) {                                                                                  \
            winograd_a_back(row, columns[0][r], columns[1][r]);                                                        \
            for (int c = 0; c < 4; c++) vec_store(to + (r * 4 + c) * SUMS_M_PLACE + (k), row[c]);                      \
        }                                                                                                              \
    } while (0)
    EACH_VECTOR(rows, TRANSFORM);
#undef TRANSFORM
#undef GRADIENT
}

/* ---- sums ---- */

/* Transforms a tile, the one numbered `at` of its block. */
static inline void winograd_gather(const struct winograd_sums *self, int64_t tile, int64_t at)
{
    const float *dy[4];
    winograd_tile(&self->input, tile, self->v + at * NR, SUMS_V_PLACE, SUMS_TILES * NR, self->columns);
    winograd_gradients(dy, self->job, tile);
    winograd_back(self->dm + at * SUMS_M_ROW, dy, self->o, self->rows);
}

/* Adds the products of a block of `count` tiles. */
static inline void winograd_multiply(struct winograd_sums *self, int64_t count)
{
    for (int place = 0; place < PLACES; place++) {
        float *du = self->du + place * SUMS_U_PLACE;
        const float *dm = self->dm + place * SUMS_M_PLACE, *v = self->v + place * SUMS_V_PLACE;
        for (int64_t k = 0; k < self->columns; k += NR)
            for (int64_t i = 0; i < self->rows; i += MR)
                gemm_floats(du + i * SUMS_C + k, SUMS_C, dm + i, 1, SUMS_M_ROW, v + k * SUMS_TILES,
                            self->rows - i < MR ? self->rows - i : MR, self->columns - k, count, self->add);
    }
    self->add = true;
}

/* ---- dw = G^T dU G ---- */

static inline void winograd_g_back(vec to[3], vec a, vec b, vec c, vec d)
{
    const vec half = vec_set(0.5f), sum = half * (b + c);
    to[0] = a + sum;
    to[1] = half * (b - c);
    to[2] = sum + d;
}

/* Writes the weights of one output. */
static inline void winograd_taps(float *dw, const float *du, int64_t ci, int64_t columns)
{
#define TRANSFORM(k, count)                                                                                            \
    do {                                                                                                               \
        vec rows[4][3], taps[3];                                                                                       \
        for (int c = 0; c < 4; c++)                                                                                    \
            winograd_g_back(rows[c], vec_load(du + (c)*SUMS_U_PLACE + (k)),                                            \
                            vec_load(du + (4 + c) * SUMS_U_PLACE + (k)), vec_load(du + (8 + c) * SUMS_U_PLACE + (k)),  \
                            vec_load(du + (12 + c) * SUMS_U_PLACE + (k)));                                             \
        for (int r = 0; r < 3; r++) {                                                                                  \
            winograd_g_back(taps, rows[0][r], rows[1][r], rows[2][r], rows[3][r]);                                     \
            for (int c = 0; c < 3; c++) vec_store_some(dw + (r * 3 + c) * ci + (k), taps[c], count);                   \
        }                                                                                                              \
    } while (0)
    EACH_VECTOR(columns, TRANSFORM);
#undef TRANSFORM
}

/* Some of one leaf's sums; an empty leaf is zero. */
static inline void winograd_weights_chunk(void *context, int64_t chunk, int thread)
{
    const struct winograd_weights *job = context;
    const struct conv2d_sizes *s = &job->input.s;
    const int64_t all = winograd_sums_tiles(s), across = winograd_sums_across(s), at = chunk % all, leaf = chunk / all,
                  tiles = winograd_tiles(s), ldw = KERNEL * s->ci;
    float *room = job->rooms + thread * (int64_t)SUMS_ROOM;
    struct winograd_sums self = {.job = job,
                                 .input = job->input,
                                 .v = room,
                                 .dm = room + PLACES * SUMS_V_PLACE,
                                 .du = room + PLACES * (SUMS_V_PLACE + SUMS_M_PLACE),
                                 .o = at / across * SUMS_O,
                                 .c = at % across * SUMS_C};
    self.input.x += self.c;
    self.rows = s->co - self.o < SUMS_O ? s->co - self.o : SUMS_O;
    self.columns = s->ci - self.c < SUMS_C ? s->ci - self.c : SUMS_C;
    int64_t count = 0;
    for (int64_t sample = leaf; sample < job->input.n; sample += job->dw.leaves)
        for (int64_t tile = 0; tile < tiles; tile++) {
            winograd_gather(&self, sample * tiles + tile, count);
            if (++count < SUMS_TILES) continue;
            winograd_multiply(&self, count);
            count = 0;
        }
    if (count > 0) winograd_multiply(&self, count);
    float *dw = (job->dw.leaves > 1 ? job->dw.leaf + leaf * s->co * ldw : job->dw.dw) + self.o * ldw + self.c;
    for (int64_t o = 0; o < self.rows; o++, dw += ldw) {
        if (self.add)
            winograd_taps(dw, self.du + o * SUMS_C, s->ci, self.columns);
        else
            for (int tap = 0; tap < KERNEL; tap++) memset(dw + tap * s->ci, 0, (size_t)self.columns * sizeof *dw);
    }
}

/* The workspace has winograd_weights_room bytes. */
static inline void winograd_weights_run(struct pool *pool, struct winograd_weights *job, int64_t batch, void *workspace)
{
    const struct conv2d_sizes *s = &job->input.s;
    job->dw.o = s->co, job->dw.k = KERNEL * s->ci;
    weights_place(&job->dw, weights_leaves(batch, job->dw.o, job->dw.k), workspace);
    job->rooms = job->dw.scratch;
    pool_run(pool, winograd_sums_tiles(s) * job->dw.leaves, winograd_weights_chunk, job);
    weights_finish(pool, &job->dw);
}
