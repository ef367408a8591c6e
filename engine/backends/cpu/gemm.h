/* Matrix products for the kernels of the cpu backend: a register-blocked micro kernel of MR x NR on packed panels.
 * Included by *_cpu.c only, so that it is compiled for each instruction set. Thread: pure functions on the caller's
 * memory. Panels: of B, NR columns wide: packed[k][NR], columns past the end are 0; of A, MR rows high: packed[k][MR],
 * rows past the end 0. */
#pragma once

#include "engine/backends/cpu/isa.h"

/* Two vectors of columns; rows so that all sums, two vectors of B and one broadcast fit in the registers. */
#if defined(__AVX512F__)
enum { MR = 12, NRV = 2 };
#elif defined(__AVX__)
enum { MR = 6, NRV = 2 };
#else
enum { MR = 6, NRV = 2 };
#endif
enum { NR = NRV * VEC };

/* How many panels cover so many columns, and blocks so many rows. */
static inline int64_t gemm_panels(int64_t columns)
{
    return (columns + NR - 1) / NR;
}
static inline int64_t gemm_blocks(int64_t rows)
{
    return (rows + MR - 1) / MR;
}

/* sum[i][j] = sum over k of a[i * row + k * step] * b[k][j], for `rows` rows (up to MR) and `vectors` (1 or NRV)
 * vectors of columns, both constants. */
static inline __attribute__((always_inline)) void gemm_micro(vec sum[MR][NRV], const float *a, int64_t row,
                                                             int64_t step, const float *b, int64_t depth,
                                                             const int rows, const int vectors)
{
    vec local[MR][NRV]; /* stays in registers */
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) local[i][j] = (vec){0};
    for (int64_t k = 0; k < depth; k++, b += NR, a += step) {
        vec right[NRV];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) right[j] = vec_load(b + j * VEC);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            vec left = vec_set(a[i * row]);
#pragma GCC unroll 2
            for (int j = 0; j < vectors; j++) local[i][j] += left * right[j];
        }
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < vectors; j++) sum[i][j] = local[i][j];
}

/* What happens to c: the last one stores past the caches, and wants columns in whole, aligned vectors. */
enum gemm_mode { GEMM_SET, GEMM_ADD, GEMM_STREAM };

/* Writes or adds a tile of sums to c[rows][columns] (leading dimension ldc). */
static inline void gemm_store(float *c, int64_t ldc, vec sum[MR][NRV], int64_t rows, int64_t columns,
                              enum gemm_mode mode)
{
    const bool add = mode == GEMM_ADD;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < NRV && j * VEC < columns; j++) {
            float *to = c + i * ldc + j * VEC;
            int64_t count = columns - j * VEC;
            if (mode == GEMM_STREAM)
                vec_stream(to, sum[i][j]);
            else if (count >= VEC)
                vec_store(to, add ? vec_load(to) + sum[i][j] : sum[i][j]);
            else
                vec_store_some(to, add ? vec_load_some(to, count) + sum[i][j] : sum[i][j], count);
        }
}

/* Rows that a tile of so few reads and multiplies: MR, or a third or two of it. */
enum { MR_STEP = MR / 3 };
static inline int64_t gemm_rows_read(int64_t rows)
{
    return (rows + MR_STEP - 1) / MR_STEP * MR_STEP;
}

/* One tile of c: up to MR rows of a (row distance `row`, step along k) times one panel. Reads gemm_rows_read(rows) rows
 * of a. */
static inline void gemm_tile(float *c, int64_t ldc, const float *a, int64_t row, int64_t step, const float *panel,
                             int64_t rows, int64_t columns, int64_t depth, enum gemm_mode mode)
{
    vec sum[MR][NRV];
    const int64_t steps = (rows + MR_STEP - 1) / MR_STEP * NRV - (columns <= VEC);
    switch (steps) {
    case 1: gemm_micro(sum, a, row, step, panel, depth, MR_STEP, 1); break;
    case 2: gemm_micro(sum, a, row, step, panel, depth, MR_STEP, NRV); break;
    case 3: gemm_micro(sum, a, row, step, panel, depth, 2 * MR_STEP, 1); break;
    case 4: gemm_micro(sum, a, row, step, panel, depth, 2 * MR_STEP, NRV); break;
    case 5: gemm_micro(sum, a, row, step, panel, depth, MR, 1); break;
    default: gemm_micro(sum, a, row, step, panel, depth, MR, NRV); break;
    }
    gemm_store(c, ldc, sum, rows, columns, mode);
}

/* Depth of one block: a panel of it fits into the first-level cache. */
enum { GEMM_DEPTH = 192 };

/* c[m][n] = a[m][depth] b for one block of the depth: a by rows (distance lda, contiguous in k), b in packed panels
 * `panel` floats apart. Rows of a up to a multiple of MR_STEP are read. */
static inline void gemm_block(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t panel,
                              int64_t m, int64_t n, int64_t depth, enum gemm_mode mode)
{
    for (int64_t p = 0; p * NR < n; p++)
        for (int64_t i = 0; i < m; i += MR)
            gemm_tile(c + i * ldc + p * NR, ldc, a + i * lda, lda, 1, b + p * panel, m - i < MR ? m - i : MR,
                      n - p * NR, depth, mode);
}

/* c[m][n] = a[m][depth] b, with a by rows and b in packed panels of `depth`. `spare` has room for MR x GEMM_DEPTH
 * floats: the last rows of a are copied there, so that nothing past the matrix is read. */
static inline void gemm_rows(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t m, int64_t n,
                             int64_t depth, float *spare, bool stream)
{
    const int64_t whole = m - m % MR_STEP, left = m % MR_STEP;
    for (int64_t k = 0; k < depth; k += GEMM_DEPTH) {
        const int64_t block = depth - k < GEMM_DEPTH ? depth - k : GEMM_DEPTH;
        const enum gemm_mode mode = k ? GEMM_ADD : stream && depth <= GEMM_DEPTH ? GEMM_STREAM : GEMM_SET;
        gemm_block(c, ldc, a + k, lda, b + k * NR, depth * NR, whole, n, block, mode);
        for (int64_t i = 0; i < left; i++)
            memcpy(spare + i * block, a + (whole + i) * lda + k, (size_t)block * sizeof *a);
        if (left) gemm_block(c + whole * ldc, ldc, spare, block, b + k * NR, depth * NR, left, n, block, mode);
    }
}

/* Panel p of B = w^T, where w is [n][depth] by rows: packed[k][j] = w[p NR + j][k]. */
static inline void gemm_pack_transposed(float *packed, const float *w, int64_t ldw, int64_t n, int64_t depth, int64_t p)
{
    int64_t columns = n - p * NR < NR ? n - p * NR : NR;
    for (int64_t k = 0; k < depth; k++)
        for (int64_t j = 0; j < NR; j++) packed[k * NR + j] = j < columns ? w[(p * NR + j) * ldw + k] : 0;
}

/* Panel p of B = w, where w is [depth][n] by rows: packed[k][j] = w[k][p NR + j]. */
static inline void gemm_pack(float *packed, const float *w, int64_t ldw, int64_t n, int64_t depth, int64_t p)
{
    int64_t columns = n - p * NR < NR ? n - p * NR : NR;
    if (columns == NR) {
        for (int64_t k = 0; k < depth; k++) memcpy(packed + k * NR, w + k * ldw + p * NR, NR * sizeof *w);
        return;
    }
    for (int64_t k = 0; k < depth; k++) {
        memcpy(packed + k * NR, w + k * ldw + p * NR, (size_t)columns * sizeof *w);
        for (int64_t j = columns; j < NR; j++) packed[k * NR + j] = 0;
    }
}

/* MR columns of a [depth][m] matrix as a panel of A: packed[k][i] = a[k][i]. */
static inline void gemm_pack_columns(float *packed, const float *a, int64_t lda, int64_t rows, int64_t depth)
{
    if (rows == MR) {
        for (int64_t k = 0; k < depth; k++) memcpy(packed + k * MR, a + k * lda, MR * sizeof *a);
        return;
    }
    for (int64_t k = 0; k < depth; k++)
        for (int64_t i = 0; i < MR; i++) packed[k * MR + i] = i < rows ? a[k * lda + i] : 0;
}
