/* Matrix products for the kernels of the cpu backend: a register-blocked micro kernel of MR x NR on packed panels, sums
 * in float. Included by *_cpu.c only, so that it is compiled for each instruction set. Thread: pure functions on the
 * caller's memory.
 * Products go through the depth in steps of PAIR elements, which lie side by side: one, or two bfloat16 where one
 * instruction multiplies and adds both. Panels of B are NR columns wide: packed[depth / PAIR][NR][PAIR]; of A MR rows
 * high: packed[depth / PAIR][MR][PAIR], or by rows where AMX wants them so: packed[MR][depth]. What is past the end of
 * a panel is 0, and so is a second element that an odd depth lacks. Distances are in elements. */
#pragma once

#include "engine/backends/cpu/isa.h"
#if defined(__AMX_BF16__)
#include "engine/backends/cpu/tiles.h"
#endif

/* Two vectors of columns; rows so that all sums, two vectors of B and one broadcast fit in the registers, or two tiles
 * of them. */
#if defined(__AMX_BF16__)
enum { MR = 2 * TILE_ROWS, NRV = 2 };
#elif defined(__AVX512F__)
enum { MR = 12, NRV = 2 };
#else
enum { MR = 6, NRV = 2 };
#endif
enum { NR = NRV * VEC };

#if defined(LATHE_BF16) && defined(__AVX512BF16__)
#define GEMM_PAIRS
enum { PAIR = 2 };
#else
enum { PAIR = 1 };
#endif

/* How many panels cover so many columns; a depth in whole steps, as it is in memory. */
static inline int64_t gemm_panels(int64_t columns)
{
    return (columns + NR - 1) / NR;
}
static inline int64_t gemm_padded(int64_t depth)
{
    return (depth + PAIR - 1) / PAIR * PAIR;
}

/* ---- the micro kernel ---- */

/* What one step needs of B and of A. */
#if defined(GEMM_PAIRS)
typedef __m512bh gemm_step;
static inline gemm_step gemm_right(const element *b)
{
    return (__m512bh)_mm512_loadu_si512(b);
}
static inline gemm_step gemm_left(const element *a)
{
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}
static inline vec gemm_multiply_add(vec sum, gemm_step left, gemm_step right)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, left, right);
}
#else
typedef vec gemm_step;
static inline gemm_step gemm_right(const element *b)
{
    return element_load(b);
}
static inline gemm_step gemm_left(const element *a)
{
    return element_spread(a);
}
static inline vec gemm_multiply_add(vec sum, gemm_step left, gemm_step right)
{
    return sum + left * right;
}
#endif

/* sum[i][j] = sum over k of a[i][k] b[k][j], for `rows` rows (up to MR) and `vectors` (1 or NRV) vectors of columns,
 * both constants; rows of a lie `row` apart, steps `step`. */
static inline __attribute__((always_inline)) void gemm_micro(vec sum[MR][NRV], const element *a, int64_t row,
                                                             int64_t step, const element *b, int64_t steps,
                                                             const int rows, const int vectors)
{
    vec local[MR][NRV]; /* stays in registers */
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) local[i][j] = (vec){0};
#pragma GCC unroll 4
    for (int64_t k = 0; k < steps; k++, b += NR * PAIR, a += step) {
        gemm_step right[NRV];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) right[j] = gemm_right(b + j * VEC * PAIR);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const gemm_step left = gemm_left(a + i * row);
#pragma GCC unroll 2
            for (int j = 0; j < vectors; j++) local[i][j] = gemm_multiply_add(local[i][j], left, right[j]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = local[i][j];
}

#if defined(__AMX_BF16__)
/* Rows are multiplied MR at a time. */
enum { MR_STEP = MR };

/* The same for all rows and columns, by AMX: `blocks` times TILE_STEPS steps, which lie side by side in a. */
static inline void gemm_tiles(vec sum[MR][NRV], const element *a, int64_t row, const element *b, int64_t blocks)
{
    const int64_t row_bytes = row * (int64_t)sizeof *a, step_bytes = NR * PAIR * (int64_t)sizeof *b;
    tiles_prepare();
    tiles_fence(a);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < blocks; k++, a += TILE_STEPS * PAIR, b += TILE_STEPS * NR * PAIR) {
        _tile_loadd(4, a, row_bytes);
        _tile_loadd(6, b, step_bytes);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + VEC * PAIR, step_bytes);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + TILE_ROWS * row, row_bytes);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, &sum[0][0], sizeof *sum);
    _tile_stored(1, &sum[0][1], sizeof *sum);
    _tile_stored(2, &sum[TILE_ROWS][0], sizeof *sum);
    _tile_stored(3, &sum[TILE_ROWS][1], sizeof *sum);
}

/* The same for few steps, by vectors. */
static inline void gemm_vectors(vec sum[MR][NRV], const element *a, int64_t row, const element *b, int64_t rows,
                                int64_t steps)
{
    enum { ROWS = 8 };
    for (int64_t i = 0; i < rows; i += ROWS) gemm_micro(sum + i, a + i * row, row, PAIR, b, steps, ROWS, NRV);
}

/* One tile of sums: up to MR rows of a, whose steps lie side by side, times one panel of b. Reads MR rows. */
static inline void gemm_sums(vec sum[MR][NRV], const element *a, int64_t row, int64_t step, const element *b,
                             int64_t rows, int64_t columns, int64_t depth)
{
    const int64_t steps = (depth + PAIR - 1) / PAIR, blocks = steps / TILE_STEPS, done = blocks * TILE_STEPS;
    vec rest[MR][NRV];
    (void)step, (void)columns;
    if (blocks == 0) {
        gemm_vectors(sum, a, row, b, rows, steps);
        return;
    }
    gemm_tiles(sum, a, row, b, blocks);
    if (steps == done) return;
    gemm_vectors(rest, a + done * PAIR, row, b + done * NR * PAIR, rows, steps - done);
    for (int64_t i = 0; i < rows; i++)
        for (int j = 0; j < NRV; j++) sum[i][j] += rest[i][j];
}
#else
/* Rows are multiplied in steps of a third of MR. */
enum { MR_STEP = MR / 3 };

/* Are sums rounded to bfloat16 without an instruction for it? What that takes would lie in registers that sums need, if
 * one function did both. */
#if defined(LATHE_BF16) && !defined(GEMM_PAIRS)
enum { GEMM_ROUNDS = 1 };
#define GEMM_SUMS __attribute__((noinline))
#else
enum { GEMM_ROUNDS = 0 };
#define GEMM_SUMS inline
#endif

/* One tile of sums: up to MR rows of a times one panel of b, of which `columns` exist. Reads rows up to a multiple of
 * MR_STEP. */
static GEMM_SUMS void gemm_sums(vec sum[MR][NRV], const element *a, int64_t row, int64_t step, const element *b,
                                int64_t rows, int64_t columns, int64_t depth)
{
    const int64_t steps = (depth + PAIR - 1) / PAIR;
    switch ((rows + MR_STEP - 1) / MR_STEP * NRV - (columns <= VEC)) {
    case 1: gemm_micro(sum, a, row, step, b, steps, MR_STEP, 1); break;
    case 2: gemm_micro(sum, a, row, step, b, steps, MR_STEP, NRV); break;
    case 3: gemm_micro(sum, a, row, step, b, steps, 2 * MR_STEP, 1); break;
    case 4: gemm_micro(sum, a, row, step, b, steps, 2 * MR_STEP, NRV); break;
    case 5: gemm_micro(sum, a, row, step, b, steps, MR, 1); break;
    default: gemm_micro(sum, a, row, step, b, steps, MR, NRV); break;
    }
}
#endif

/* Writes a tile of sums to floats, or adds it. */
static inline void gemm_store_floats(float *c, int64_t ldc, vec sum[MR][NRV], int64_t rows, int64_t columns, bool add)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < NRV && j * VEC < columns; j++) {
            float *to = c + i * ldc + j * VEC;
            const int64_t count = columns - j * VEC < VEC ? columns - j * VEC : VEC;
            vec_store_some(to, add ? vec_load_some(to, count) + sum[i][j] : sum[i][j], count);
        }
}

/* Where the rows of a product go. Several blocks of depth are added up in c, which only floats can do: with bfloat16
 * there is one block. */
struct gemm_rows {
    void *c; /* elements, or floats where the next step wants them */
    bool floats;
    int64_t ldc;
    const float *bias; /* of each column, added at the end; or NULL */
    bool stream;       /* past the caches, in one block of depth; columns are whole, aligned vectors */
};

static inline void gemm_store(const struct gemm_rows *to, int64_t row, int64_t column, vec sum[MR][NRV], int64_t rows,
                              int64_t columns, bool add, bool end)
{
    const float *bias = end && to->bias ? to->bias + column : NULL;
    if (to->floats) {
        gemm_store_floats((float *)to->c + row * to->ldc + column, to->ldc, sum, rows, columns, add);
        return;
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < NRV && j * VEC < columns; j++) {
            element *c = (element *)to->c + (row + i) * to->ldc + column + j * VEC;
            const int64_t count = columns - j * VEC < VEC ? columns - j * VEC : VEC;
            vec value = add ? element_load_some(c, count) + sum[i][j] : sum[i][j];
            if (bias) value += vec_load_some(bias + j * VEC, count);
            if (to->stream && !add && end)
                element_stream(c, value);
            else
                element_store_some(c, value, count);
        }
}

#if !defined(__AMX_BF16__)
/* MR rows and `vectors` whole vectors of columns, stored from the registers that they are summed in. `vectors` and
 * `floats` (what c holds) are constants. */
static inline __attribute__((always_inline)) void gemm_whole(const struct gemm_rows *to, int64_t row, int64_t column,
                                                             const element *a, int64_t lda, int64_t step,
                                                             const element *b, int64_t depth, bool add, bool end,
                                                             const bool floats, const int vectors)
{
    const float *bias = end && to->bias ? to->bias + column : NULL;
    const bool stream = to->stream && !add && end;
    const int64_t at = row * to->ldc + column;
    vec sum[MR][NRV];
    gemm_micro(sum, a, lda, step, b, (depth + PAIR - 1) / PAIR, MR, vectors);
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
        float *const f = (float *)to->c + at + i * to->ldc;
        element *const e = (element *)to->c + at + i * to->ldc;
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) {
            vec value = sum[i][j];
            if (add) value += floats ? vec_load(f + j * VEC) : element_load(e + j * VEC);
            if (bias) value += vec_load(bias + j * VEC);
            if (floats)
                vec_store(f + j * VEC, value);
            else if (stream)
                element_stream(e + j * VEC, value);
            else
                element_store(e + j * VEC, value);
        }
    }
}
#endif

/* A tile of sums, up to MR rows and NR columns, written to floats or added to them; a and its distances as for
 * gemm_sums. */
static inline __attribute__((always_inline)) void gemm_floats(float *c, int64_t ldc, const element *a, int64_t row,
                                                              int64_t step, const element *b, int64_t rows,
                                                              int64_t columns, int64_t depth, bool add)
{
    vec sum[MR][NRV];
#if !defined(__AMX_BF16__)
    const struct gemm_rows to = {.c = c, .floats = true, .ldc = ldc};
    if (rows == MR && columns >= NR) {
        gemm_whole(&to, 0, 0, a, row, step, b, depth, add, true, true, NRV);
        return;
    }
#endif
    gemm_sums(sum, a, row, step, b, rows, columns, depth);
    gemm_store_floats(c, ldc, sum, rows, columns, add);
}

/* ---- products by rows ---- */

/* Depth of one block: a panel of floats fits into the first-level cache. */
#if defined(LATHE_BF16)
#define GEMM_DEPTH INT64_MAX
#else
#define GEMM_DEPTH INT64_C(192)
#endif

/* The block of a depth that begins at k. */
static inline int64_t gemm_depth(int64_t depth, int64_t k)
{
    return depth - k < GEMM_DEPTH ? depth - k : GEMM_DEPTH;
}

/* Elements of room for the last rows of a matrix. */
static inline int64_t gemm_spare(int64_t depth)
{
    return MR * gemm_padded(gemm_depth(depth, 0));
}

/* Rows row … row + m - 1 of c, n columns: one block of the depth, columns k … k + block - 1 of a, which lie at `a` (row
 * distance lda); b has `depth` in all. */
static inline void gemm_block(const struct gemm_rows *to, int64_t row, const element *a, int64_t lda, const element *b,
                              int64_t m, int64_t n, int64_t depth, int64_t k)
{
    const int64_t block = gemm_depth(depth, k), panel = gemm_padded(depth) * NR;
#if !defined(__AMX_BF16__)
    const bool whole = !GEMM_ROUNDS && (!to->floats || sizeof(element) == sizeof(float));
#endif
    for (int64_t p = 0; p * NR < n; p++)
        for (int64_t i = 0; i < m; i += MR) {
            vec sum[MR][NRV];
            const int64_t rows = m - i < MR ? m - i : MR, columns = n - p * NR;
            const element *left = a + i * lda, *right = b + p * panel + k * NR;
            const bool add = k > 0, end = k + block == depth;
#if !defined(__AMX_BF16__)
            if (whole && rows == MR && columns >= NR) {
                gemm_whole(to, row + i, p * NR, left, lda, PAIR, right, block, add, end, false, NRV);
                continue;
            }
            if (whole && rows == MR && columns == VEC) {
                gemm_whole(to, row + i, p * NR, left, lda, PAIR, right, block, add, end, false, 1);
                continue;
            }
#endif
            gemm_sums(sum, left, lda, PAIR, right, rows, columns, block);
            gemm_store(to, row + i, p * NR, sum, rows, columns, add, end);
        }
}

/* Copies rows of a matrix to where they may be read past their end. */
static inline void gemm_copy_rows(element *to, const element *a, int64_t lda, int64_t rows, int64_t depth)
{
    const int64_t padded = gemm_padded(depth);
    for (int64_t i = 0; i < rows; i++, to += padded, a += lda) {
        memcpy(to, a, (size_t)depth * sizeof *a);
        if (padded > depth) to[depth] = element_of(0);
    }
}

/* Rows of c = a[m][depth] b, n columns, with a by rows and b in panels of the whole depth. `spare` has room for
 * gemm_spare elements: where reading whole tiles would go past the matrix, its rows are copied there. */
static inline void gemm_rows(const struct gemm_rows *to, const element *a, int64_t lda, const element *b, int64_t m,
                             int64_t n, int64_t depth, element *spare)
{
    const int64_t whole = depth % PAIR ? 0 : m - m % MR_STEP;
    for (int64_t k = 0, block; k < depth; k += block) {
        block = gemm_depth(depth, k);
        gemm_block(to, 0, a + k, lda, b, whole, n, depth, k);
        for (int64_t i = whole; i < m; i += MR) {
            const int64_t rows = m - i < MR ? m - i : MR;
            gemm_copy_rows(spare, a + i * lda + k, lda, rows, block);
            gemm_block(to, i, spare, gemm_padded(block), b, rows, n, depth, k);
        }
    }
}

/* ---- packing ---- */

/* One step of a panel `wide` columns wide: the first `columns` of PAIR rows; a row NULL is zeros. */
#if defined(GEMM_PAIRS)
static inline __attribute__((always_inline)) void gemm_pack_step(element *to, const element *const row[PAIR],
                                                                 int64_t columns, const int wide)
{
    for (int64_t j = 0; j < wide; j += VEC) {
        const int64_t here = columns - j < VEC ? columns - j : VEC, room = wide - j < VEC ? wide - j : VEC;
        bf16vec first = {0}, second = {0};
        if (row[0] && here > 0) first = bf16_load_some(row[0] + j, here);
        if (row[1] && here > 0) second = bf16_load_some(row[1] + j, here);
        const uvec both = bf16_bits(first) | bf16_bits(second) << 16;
        vec_store_some((float *)(void *)(to + PAIR * j), (vec)both, room);
    }
}
#else
static inline __attribute__((always_inline)) void gemm_pack_step(element *to, const element *const row[PAIR],
                                                                 int64_t columns, const int wide)
{
    if (!row[0]) {
        memset(to, 0, (size_t)wide * sizeof *to);
    } else if (columns >= wide) {
        memcpy(to, row[0], (size_t)wide * sizeof *to);
    } else {
        memcpy(to, row[0], (size_t)columns * sizeof *to);
        for (int64_t j = columns; j < wide; j++) to[j] = element_of(0);
    }
}
#endif

/* A panel `wide` (MR or NR) columns wide of rows w[0 … depth - 1], of which `columns` exist. */
static inline __attribute__((always_inline)) void gemm_pack_rows(element *packed, const element *w, int64_t ldw,
                                                                 int64_t columns, int64_t depth, const int wide)
{
    for (int64_t k = 0; k < depth; k += PAIR, packed += wide * PAIR) {
        const element *row[PAIR];
        for (int i = 0; i < PAIR; i++) row[i] = k + i < depth ? w + (k + i) * ldw : NULL;
        if (columns >= wide)
            gemm_pack_step(packed, row, wide, wide);
        else
            gemm_pack_step(packed, row, columns, wide);
    }
}

/* A panel of MR columns of w for the left side of a product whose depth is rows of w, with room for a depth of `room`:
 * packs rows 0 … depth - 1 behind `at` that are there. */
#if defined(__AMX_BF16__)
static inline void gemm_pack_left(element *panel, int64_t room, int64_t at, const element *w, int64_t ldw,
                                  int64_t columns, int64_t depth)
{
    enum { DEEP = TILE_STEPS * PAIR };
    for (int64_t k = 0; k < depth; k += DEEP)
        for (int64_t j = 0; j < MR; j += VEC) {
            vec line[TILE_STEPS] = {{0}};
            const int64_t rest = depth - k < DEEP ? depth - k : DEEP;
            gemm_pack_rows((element *)(void *)line, w + k * ldw + j, ldw, columns - j, rest, VEC);
            vec_transpose(line);
            for (int64_t i = 0; i < VEC; i++)
                vec_store_some((float *)(void *)(panel + (j + i) * room + at + k), line[i], gemm_padded(rest) / PAIR);
        }
}
static inline int64_t gemm_left_row(int64_t room)
{
    return room;
}
enum { GEMM_LEFT_STEP = PAIR };
#else
static inline void gemm_pack_left(element *panel, int64_t room, int64_t at, const element *w, int64_t ldw,
                                  int64_t columns, int64_t depth)
{
    (void)room;
    gemm_pack_rows(panel + at * MR, w, ldw, columns, depth, MR);
}
static inline int64_t gemm_left_row(int64_t room)
{
    (void)room;
    return PAIR;
}
enum { GEMM_LEFT_STEP = MR * PAIR };
#endif

/* Panel p of B = w, where w is [depth][n] by rows. */
static inline void gemm_pack(element *packed, const element *w, int64_t ldw, int64_t n, int64_t depth, int64_t p)
{
    gemm_pack_rows(packed, w + p * NR, ldw, n - p * NR, depth, NR);
}

/* What VEC steps need of a row, of which `count` elements are left; and one step of VEC columns as it is packed. */
#if defined(GEMM_PAIRS)
static inline vec gemm_load_steps(const element *from, int64_t count)
{
    return (vec)_mm512_maskz_loadu_epi16(count < VEC * PAIR ? (__mmask32)((1u << count) - 1) : ~(__mmask32)0, from);
}
static inline void gemm_store_step(element *to, vec step)
{
    memcpy(to, &step, sizeof step);
}
#else
static inline vec gemm_load_steps(const element *from, int64_t count)
{
    return element_load_some(from, count < VEC ? count : VEC);
}
static inline void gemm_store_step(element *to, vec step)
{
    element_store(to, step);
}
#endif

/* Panel p of B = w^T, where w is [n][depth] by rows. */
static inline void gemm_pack_transposed(element *packed, const element *w, int64_t ldw, int64_t n, int64_t depth,
                                        int64_t p)
{
    for (int64_t k = 0; k < depth; k += VEC * PAIR)
        for (int64_t j = 0; j < NR; j += VEC) {
            const int64_t first = p * NR + j, steps = gemm_padded(depth - k) / PAIR;
            vec line[VEC];
            for (int64_t i = 0; i < VEC; i++)
                line[i] = first + i < n ? gemm_load_steps(w + (first + i) * ldw + k, depth - k) : (vec){0};
            vec_transpose(line);
            for (int64_t i = 0; i < VEC && i < steps; i++)
                gemm_store_step(packed + (k / PAIR + i) * NR * PAIR + j * PAIR, line[i]);
        }
}
