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
