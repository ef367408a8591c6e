/* 3x3 convolutions with stride 1 in 4/9 of the multiplications: Winograd's minimal filtering F(2x2, 3x3), after Lavin
 * and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016). A tile is 2x2 outputs and the 4x4 pixels d that
 * they read. With g the kernel of one input and one output channel,
 *   U = G g G^T,  V = B^T d B,  M = sum over input channels of U * V (each of its 16 places for itself),  y = A^T M A.
 * The sums over channels are 16 matrix products; a block of tiles is transformed, multiplied and transformed back while
 * it is in the second-level cache. Included by conv2d_cpu.c only, where elements are floats: bfloat16 would round U and
 * V. Thread: the kernel's; works over the pool. */
#pragma once

#include "engine/backends/cpu/gemm.h"
#include "engine/ops/conv2d.h"

/* Places of a tile, and taps of a kernel. Tiles whose products would not pay for the transformed weights, and channels
 * that would not pay for the transforms, are left to the direct way. */
enum { PLACES = 16, KERNEL = 9, WINOGRAD_CHANNELS = 32, WINOGRAD_TILES = 128 };

struct winograd {
    struct conv2d_sizes s; /* of the turned convolution, if the kernel is turned */
    const float *x;        /* of one group [n][h][w][c] */
    const float *weight;   /* [co][3][3][ci]; turned: [ci][3][3][co], to be turned by half a circle */
    const float *bias;     /* [co], or NULL */
    float *y;              /* [n][oh][ow][o] */
    int64_t n;
    bool turned, stream;
    float *packed; /* U: [panels][PLACES][ci][NR] */
    float *blocks; /* per thread: winograd_block_room */
};

static inline int64_t winograd_across(const struct conv2d_sizes *s)
{
    return (s->ow + 1) / 2;
}

static inline int64_t winograd_tiles(const struct conv2d_sizes *s)
{
    return (s->oh + 1) / 2 * winograd_across(s);
}

/* For a capacity of `batch` samples, so that ragged batches are computed the same way. */
static inline bool winograd_pays(const struct conv2d_sizes *s, int64_t batch)
{
    return s->kh == 3 && s->kw == 3 && s->sh == 1 && s->sw == 1 && s->ci >= WINOGRAD_CHANNELS &&
           s->co >= WINOGRAD_CHANNELS && batch * winograd_tiles(s) >= WINOGRAD_TILES;
}

static inline int64_t winograd_macs(const struct conv2d_sizes *s, int64_t batch)
{
    return batch * winograd_tiles(s) * PLACES * s->ci * s->co * s->groups;
}

/* Tiles of one block, and floats from one place to the next: not a multiple of a page, whose lines would all fall into
 * the same set of the first-level cache. */
static inline int64_t winograd_block(int64_t ci)
{
    enum { V_FLOATS = 1 << 17 };
    const int64_t fit = V_FLOATS / PLACES / ci / MR * MR;
    return fit < 2 * MR ? 2 * MR : fit > 10 * MR ? 10 * MR : fit;
}
static inline int64_t winograd_v_place(int64_t ci)
{
    return winograd_block(ci) * ci + 5 * VEC;
}
static inline int64_t winograd_m_place(int64_t ci)
{
    return winograd_block(ci) * NR + 5 * VEC;
}

/* Floats of a thread's block, and of a whole workspace. */
static inline int64_t winograd_block_room(int64_t ci)
{
    return PLACES * (winograd_v_place(ci) + winograd_m_place(ci));
}
static inline int64_t winograd_room(const struct conv2d_sizes *s, int threads)
{
    return gemm_panels(s->co) * PLACES * s->ci * NR + threads * winograd_block_room(s->ci);
}

/* ---- U = G g G^T ---- */

static inline void winograd_g(vec to[4], vec a, vec b, vec c)
{
    const vec half = vec_set(0.5f), sum = half * (a + c), middle = half * b;
    to[0] = a;
    to[1] = sum + middle;
    to[2] = sum - middle;
    to[3] = c;
}

/* The weights of input channel k to `count` output channels from o. */
static inline void winograd_kernel(vec g[KERNEL], const struct winograd *job, int64_t k, int64_t o, int64_t count)
{
    const struct conv2d_sizes *s = &job->s;
    for (int tap = 0; tap < KERNEL; tap++) {
        float row[VEC] = {0};
        for (int64_t j = 0; j < count; j++)
            row[j] = job->turned ? job->weight[(k * KERNEL + KERNEL - 1 - tap) * s->co + o + j]
                                 : job->weight[((o + j) * KERNEL + tap) * s->ci + k];
        g[tap] = vec_load(row);
    }
}

static inline void winograd_pack(void *context, int64_t panel, int thread)
{
    (void)thread;
    const struct winograd *job = context;
    const struct conv2d_sizes *s = &job->s;
    float *packed = job->packed + panel * PLACES * s->ci * NR;
    for (int64_t j = 0; j < NR; j += VEC)
        for (int64_t k = 0; k < s->ci; k++) {
            const int64_t o = panel * NR + j, rest = s->co - o, count = rest < 0 ? 0 : rest < VEC ? rest : VEC;
            vec g[KERNEL], columns[3][4], u[4];
            winograd_kernel(g, job, k, o, count);
            for (int i = 0; i < 3; i++) winograd_g(columns[i], g[i * 3], g[i * 3 + 1], g[i * 3 + 2]);
            for (int c = 0; c < 4; c++) {
                winograd_g(u, columns[0][c], columns[1][c], columns[2][c]);
                for (int r = 0; r < 4; r++) vec_store(packed + ((r * 4 + c) * s->ci + k) * NR + j, u[r]);
            }
        }
}

/* ---- V = B^T d B ---- */

static inline void winograd_b(vec to[4], vec a, vec b, vec c, vec d)
{
    to[0] = a - c;
    to[1] = b + c;
    to[2] = c - b;
    to[3] = b - d;
}

/* One tile's V, `place` floats from one place to the next and `panel` from NR channels to the next; pixels that are
 * NULL are 0, and with `whole` none is. */
static inline __attribute__((always_inline)) void
winograd_in(float *v, int64_t place, int64_t panel, const float *const pixel[PLACES], int64_t ci, const bool whole)
{
#define PIXEL(i, k, count) (whole || pixel[i] ? vec_load_some(pixel[i] + (k), count) : (vec){0})
#define TRANSFORM(k, count)                                                                                            \
    do {                                                                                                               \
        float *const to = v + (k) / NR * panel + (k) % NR;                                                             \
        vec rows[4][4], column[4];                                                                                     \
        for (int r = 0; r < 4; r++)                                                                                    \
            winograd_b(rows[r], PIXEL(r * 4, k, count), PIXEL(r * 4 + 1, k, count), PIXEL(r * 4 + 2, k, count),        \
                       PIXEL(r * 4 + 3, k, count));                                                                    \
        for (int c = 0; c < 4; c++) {                                                                                  \
            winograd_b(column, rows[0][c], rows[1][c], rows[2][c], rows[3][c]);                                        \
            for (int r = 0; r < 4; r++) vec_store_some(to + (r * 4 + c) * place, column[r], count);                    \
        }                                                                                                              \
    } while (0)
    EACH_VECTOR(ci, TRANSFORM);
#undef TRANSFORM
#undef PIXEL
}

/* Where a tile's 4x4 pixels lie; returns whether all of them do. */
static inline bool winograd_pixels(const float *pixel[PLACES], const struct winograd *job, int64_t tile)
{
    const struct conv2d_sizes *s = &job->s;
    const int64_t across = winograd_across(s), tiles = winograd_tiles(s), at = tile % tiles,
                  h0 = at / across * 2 - s->top, w0 = at % across * 2 - s->left;
    const float *x = job->x + tile / tiles * s->h * s->w * s->c;
    bool whole = true;
    for (int i = 0; i < PLACES; i++) {
        const int64_t h = h0 + i / 4, w = w0 + i % 4;
        const bool inside = h >= 0 && h < s->h && w >= 0 && w < s->w;
        pixel[i] = inside ? x + (h * s->w + w) * s->c : NULL;
        whole = whole && inside;
    }
    return whole;
}

/* V of one tile of a job, its first `ci` channels. */
static inline void winograd_tile(const struct winograd *job, int64_t tile, float *v, int64_t place, int64_t panel,
                                 int64_t ci)
{
    const float *pixel[PLACES];
    if (winograd_pixels(pixel, job, tile))
        winograd_in(v, place, panel, pixel, ci, true);
    else
        winograd_in(v, place, panel, pixel, ci, false);
}

/* ---- y = A^T M A ---- */

static inline void winograd_a(vec to[2], vec a, vec b, vec c, vec d)
{
    to[0] = a + b + c;
    to[1] = b - c - d;
}

/* `count` channels from o of a tile's outputs; m lies `place` floats from one place to the next. */
static inline __attribute__((always_inline)) void winograd_out(const struct winograd *job, int64_t tile, const float *m,
                                                               int64_t place, int64_t o, int64_t count)
{
    const struct conv2d_sizes *s = &job->s;
    const int64_t across = winograd_across(s), tiles = winograd_tiles(s), at = tile % tiles, h = at / across * 2,
                  w = at % across * 2;
    float *y = job->y + tile / tiles * s->oh * s->ow * s->o + (h * s->ow + w) * s->o + o;
    const vec bias = job->bias ? vec_load_some(job->bias + o, count) : (vec){0};
    vec columns[4][2], out[2][2];
    for (int c = 0; c < 4; c++)
        winograd_a(columns[c], vec_load(m + c * place), vec_load(m + (4 + c) * place), vec_load(m + (8 + c) * place),
                   vec_load(m + (12 + c) * place));
    for (int r = 0; r < 2; r++) winograd_a(out[r], columns[0][r], columns[1][r], columns[2][r], columns[3][r]);
    for (int r = 0; r < 2 && h + r < s->oh; r++)
        for (int c = 0; c < 2 && w + c < s->ow; c++) {
            float *to = y + (r * s->ow + c) * s->o;
            if (job->stream)
                vec_stream(to, out[r][c] + bias);
            else
                vec_store_some(to, out[r][c] + bias, count);
        }
}

/* ---- a block of tiles, counted through all samples ---- */

static inline void winograd_chunk(void *context, int64_t chunk, int thread)
{
    const struct winograd *job = context;
    const struct conv2d_sizes *s = &job->s;
    const int64_t most = winograd_block(s->ci), first = chunk * most, rest = job->n * winograd_tiles(s) - first,
                  count = rest < most ? rest : most, v_place = winograd_v_place(s->ci),
                  m_place = winograd_m_place(s->ci);
    float *v = job->blocks + thread * winograd_block_room(s->ci), *m = v + PLACES * v_place;
    for (int64_t t = 0; t < count; t++) winograd_tile(job, first + t, v + t * s->ci, v_place, NR, s->ci);
    for (int64_t panel = 0; panel * NR < s->co; panel++) {
        const int64_t columns = s->co - panel * NR < NR ? s->co - panel * NR : NR;
        for (int place = 0; place < PLACES; place++) {
            const struct gemm_rows to = {.c = m + place * m_place, .floats = true, .ldc = NR};
            const float *u = job->packed + (panel * PLACES + place) * s->ci * NR;
            for (int64_t k = 0; k < s->ci; k += gemm_depth(s->ci, k))
                gemm_block(&to, 0, v + place * v_place + k, s->ci, u, count, columns, s->ci, k);
        }
        for (int64_t t = 0; t < count; t++)
            for (int64_t j = 0; j < columns; j += VEC)
                winograd_out(job, first + t, m + t * NR + j, m_place, panel * NR + j,
                             columns - j < VEC ? columns - j : VEC);
    }
    vec_stream_end();
}

/* The workspace has winograd_room floats. */
static inline void winograd_run(struct pool *pool, struct winograd *job, float *workspace)
{
    const struct conv2d_sizes *s = &job->s;
    const int64_t tiles = job->n * winograd_tiles(s), most = winograd_block(s->ci), panels = gemm_panels(s->co);
    job->packed = workspace;
    job->blocks = workspace + panels * PLACES * s->ci * NR;
    job->stream = element_streams(job->y, s->o, job->n * s->oh * s->ow, s->co);
    pool_run(pool, panels, winograd_pack, job);
    pool_run(pool, (tiles + most - 1) / most, winograd_chunk, job);
}
