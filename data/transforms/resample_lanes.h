/* Resampling on vectors of 32-bit numbers. The horizontal pass turns blocks of 16 rows on their side, so that a vector
 * holds the same column of different rows and both passes are the same: a weighted sum of vectors. */
#pragma once

#include "data/transforms/lanes.h"
#include "data/transforms/pixels.h"

enum { TURNED = 16 }; /* rows of a block */

static inline lanes half(void)
{
    return (1 << (FILTER_PRECISION - 1)) - (lanes){0};
}

static size_t scratch(int width, const struct filter *filter)
{
    return ((size_t)width + (size_t)filter->count + 16) * 3 * TURNED;
}

/* ---- vertical ---- */

static uint8_t clip8(int32_t sum)
{
    const int32_t value = sum >> FILTER_PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row out of `taps` rows in. */
static void weigh_rows(uint8_t *to, const uint8_t *from, size_t stride, size_t count, const int32_t *weight, int taps)
{
    size_t x = 0;
    for (; x + 2 * LANES <= count; x += 2 * LANES) {
        lanes first = half(), second = half();
        for (int k = 0; k < taps; k++) {
            first += weight[k] * load(from + (size_t)k * stride + x);
            second += weight[k] * load(from + (size_t)k * stride + x + LANES);
        }
        store(to + x, first >> FILTER_PRECISION);
        store(to + x + LANES, second >> FILTER_PRECISION);
    }
    for (; x < count; x++) {
        int32_t sum = 1 << (FILTER_PRECISION - 1);
        for (int k = 0; k < taps; k++) sum += weight[k] * from[(size_t)k * stride + x];
        to[x] = clip8(sum);
    }
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t count, const struct filter *filter,
                     void *room)
{
    (void)room;
    for (int y = 0; y < filter->count; y++)
        weigh_rows(out + (size_t)y * count, in + (size_t)filter->bound[2 * y] * stride, stride, count,
                   filter->weight + (size_t)y * (size_t)filter->taps, filter->bound[2 * y + 1]);
}

/* ---- horizontal ---- */

/* One of the four steps that transpose 16 x 16 bytes: rows i and i + 8 are interleaved. */
static inline void interleave(__m128i to[16], const __m128i from[16])
{
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        to[2 * i] = _mm_unpacklo_epi8(from[i], from[i + 8]);
        to[2 * i + 1] = _mm_unpackhi_epi8(from[i], from[i + 8]);
    }
}

/* to[j][i] = from[i][j] of 16 x 16 bytes; rows of `from` at the given places, rows of `to` 16 apart. */
static inline void transpose(uint8_t *const to[16], const uint8_t *const from[16])
{
    __m128i a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = _mm_loadu_si128((const __m128i *)(const void *)from[i]);
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    for (int i = 0; i < 16; i++) _mm_storeu_si128((__m128i *)(void *)to[i], a[i]);
}

/* The columns of up to 16 rows: columns[count][16]; missing rows repeat the last one. */
static void turn_in(uint8_t *columns, const uint8_t *in, size_t stride, size_t count, int rows)
{
    const uint8_t *row[TURNED], *from[16];
    uint8_t *to[16], rest[TURNED][16];
    for (int i = 0; i < TURNED; i++) row[i] = in + (size_t)(i < rows ? i : rows - 1) * stride;
    for (size_t x = 0; x < count; x += 16) {
        const size_t here = count - x < 16 ? count - x : 16;
        for (int i = 0; i < 16; i++) {
            from[i] = row[i] + x;
            if (here < 16) from[i] = memcpy(rest[i], from[i], here);
            to[i] = columns + (x + (size_t)i) * 16;
        }
        transpose(to, from);
    }
}

/* And back, only the rows that are there. */
static void turn_out(uint8_t *out, size_t stride, const uint8_t *columns, size_t count, int rows)
{
    const uint8_t *from[16];
    uint8_t *to[16], rest[16][16];
    for (size_t x = 0; x < count; x += 16) {
        const size_t here = count - x < 16 ? count - x : 16;
        for (int i = 0; i < 16; i++) {
            from[i] = columns + (x + (size_t)i) * 16;
            to[i] = here < 16 || i >= rows ? rest[i] : out + (size_t)i * stride + x;
        }
        transpose(to, from);
        for (int i = 0; here < 16 && i < rows; i++) memcpy(out + (size_t)i * stride + x, rest[i], here);
    }
}

/* One pixel out, of 16 rows: as many columns of `to` as there are channels. */
static inline __attribute__((always_inline)) void weigh_columns(uint8_t *to, const uint8_t *from, const int32_t *weight,
                                                                int taps, const int channels)
{
    for (int part = 0; part < TURNED; part += LANES) {
        lanes sum[3] = {half(), half(), half()};
        const uint8_t *at = from + part;
        for (int k = 0; k < taps; k++, at += channels * TURNED)
            for (int c = 0; c < channels; c++) sum[c] += weight[k] * load(at + c * TURNED);
        for (int c = 0; c < channels; c++) store(to + c * TURNED + part, sum[c] >> FILTER_PRECISION);
    }
}

static void weigh_all(uint8_t *to, const uint8_t *from, const struct filter *filter, int channels)
{
    for (int x = 0; x < filter->count; x++) {
        const uint8_t *at = from + filter->bound[2 * x] * channels * TURNED;
        const int32_t *weight = filter->weight + (size_t)x * (size_t)filter->taps;
        const int taps = filter->bound[2 * x + 1];
        if (channels == 3)
            weigh_columns(to + x * 3 * TURNED, at, weight, taps, 3);
        else
            weigh_columns(to + x * TURNED, at, weight, taps, 1);
    }
}

static void horizontal(uint8_t *out, const uint8_t *in, size_t stride, int width, int rows, int channels,
                       const struct filter *filter, void *room)
{
    const size_t in_row = (size_t)width * (size_t)channels, out_row = (size_t)filter->count * (size_t)channels;
    uint8_t *columns = room, *turned = columns + (in_row + 16) * TURNED;
    for (int y = 0; y < rows; y += TURNED) {
        const int here = rows - y < TURNED ? rows - y : TURNED;
        turn_in(columns, in + (size_t)y * stride, stride, in_row, here);
        weigh_all(turned, columns, filter, channels);
        turn_out(out + (size_t)y * out_row, out_row, turned, out_row, here);
    }
}
