/* Products of bfloat16 by AMX: TDPBF16PS multiplies a tile of rows by a tile of columns, 16 pairs deep. Included by
 * gemm.h where the instructions are; the process must have been allowed to use them (data/base/isa.h). Thread: any. */
#pragma once

#include "engine/backends/cpu/isa.h"

#include <immintrin.h>

/* Rows, and columns, of a tile of sums; pairs that one instruction multiplies for each. */
enum { TILE_ROWS = 16, TILE_STEPS = 16 };

/* What was written before lies in memory: gcc does not know that tiles are read from it. */
static inline void tiles_fence(const void *from)
{
    __asm__ volatile("" : : "r"(from) : "memory");
}

/* All tiles are whole ones: 0 … 3 of sums, 4 and 5 of rows, 6 and 7 of columns. The thread keeps this; nothing is kept
 * in tiles between products. */
static inline void tiles_prepare(void)
{
    static _Thread_local bool ready;
    if (ready) return;
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) config.row_bytes[i] = 64, config.rows[i] = TILE_ROWS;
    tiles_fence(&config);
    _tile_loadconfig(&config);
    ready = true;
}

/* 16 rows of 16 become columns. */
static inline void tiles_transpose(__m512i r[16])
{
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) { /* r[4 g + i]: of rows 4 g … 4 g + 3 the columns i, 4 + i, 8 + i, 12 + i */
        const __m512i even = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88),
                      even2 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88),
                      odd = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd),
                      odd2 = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
        t[i] = _mm512_shuffle_i32x4(even, even2, 0x88);
        t[8 + i] = _mm512_shuffle_i32x4(even, even2, 0xdd);
        t[4 + i] = _mm512_shuffle_i32x4(odd, odd2, 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(odd, odd2, 0xdd);
    }
    for (int i = 0; i < 16; i++) r[i] = t[i];
}
