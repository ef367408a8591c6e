/* Resampling by products of two taps each. The horizontal pass turns blocks of rows on their side, so that a vector
 * holds the same column of different rows and both passes are the same: a weighted sum of vectors of bytes. Included by
 * pixels_cpu.c. */
#pragma once

#include "data/transforms/lanes.h"
#include "data/transforms/pixels.h"

#include <stdbool.h>

enum { VECTOR = sizeof(lanes) }; /* bytes; also the rows of a block */

/* The weights of two taps, 65536 high + low each: as signed bytes and as 16-bit numbers, as often as there is room. As
 * all weights of an output add up to 2^22, its high parts add up to 128 at most, and 128 * 255 fits in 16 bits. */
struct pair {
    int32_t high, low;
};

static size_t pairs_of(const struct filter *filter)
{
    return ((size_t)filter->taps + 1) / 2;
}

/* Pairs [count, pairs_of]; a weight too many is 0. */
static void make_pairs(struct pair *pair, const struct filter *filter)
{
    const int32_t *weight = filter->weight;
    for (int x = 0; x < filter->count; x++, weight += filter->taps)
        for (int k = 0; k < filter->taps; k += 2) {
            const int taps = filter->bound[2 * x + 1];
            const int32_t first = k < taps ? weight[k] : 0, second = k + 1 < taps ? weight[k + 1] : 0,
                          high = ((first + 32768) >> 16) + ((second + 32768) >> 16) * 256;
            *pair++ = (struct pair){high * 65537, (first & 65535) | (int32_t)((uint32_t)second << 16)};
        }
}

/* Pairs, and a block's columns in and out. */
static size_t scratch(int width, const struct filter *filter)
{
    return (size_t)filter->count * pairs_of(filter) * sizeof(struct pair) +
           ((size_t)width + (size_t)filter->count + 16) * 3 * VECTOR;
}

/* ---- sums ---- */

/* Of two vectors of numbers, 65536 high + low each; the high parts have 16 bits. */
struct sums {
    lanes high, low[2];
};

static inline void add_pair(struct sums *sums, lanes taps, const struct pair *pair)
{
    const lanes zero = {0};
    sums->high = add_products_of_bytes(sums->high, taps, zero + pair->high);
    sums->low[0] = add_products(sums->low[0], low_bytes(taps, zero), zero + pair->low);
    sums->low[1] = add_products(sums->low[1], high_bytes(taps, zero), zero + pair->low);
}

static inline void finish(lanes *to, const struct sums *sums)
{
    const lanes zero = {0};
    to[0] = (low_halves(zero, sums->high) + sums->low[0]) >> FILTER_PRECISION;
    to[1] = (high_halves(zero, sums->high) + sums->low[1]) >> FILTER_PRECISION;
}

/* VECTOR bytes each of 2 * `pairs` rows, added up; the very last row is `last` bytes behind the one before it. */
static inline __attribute__((always_inline)) void weigh(uint8_t *to, const uint8_t *from, size_t stride, size_t last,
                                                        const struct pair *pair, const int pairs)
{
    const lanes half = (lanes){0} + (1 << (FILTER_PRECISION - 1));
    struct sums low = {.low = {half, half}}, high = low;
    for (int k = 0; k < pairs; k++, from += 2 * stride) {
        const lanes even = load_bytes(from), odd = load_bytes(from + (k < pairs - 1 ? stride : last));
        add_pair(&low, low_bytes(even, odd), &pair[k]);
        add_pair(&high, high_bytes(even, odd), &pair[k]);
    }
    lanes whole[4];
    finish(whole, &low);
    finish(whole + 2, &high);
    store_bytes(to, pack(whole[0], whole[1], whole[2], whole[3]));
}

static inline __attribute__((always_inline)) void weigh_all(uint8_t *to, const uint8_t *from, size_t stride,
                                                            size_t last, size_t count, const struct pair *pair,
                                                            const int pairs)
{
    size_t x = 0;
    for (; x + VECTOR <= count; x += VECTOR) weigh(to + x, from + x, stride, last, pair, pairs);
    if (x < count) weigh(to + count - VECTOR, from + count - VECTOR, stride, last, pair, pairs);
}

/* `taps` rows of `count` bytes (at least VECTOR), `stride` bytes apart. An odd one stands in for its missing partner.
 * Most pictures are scaled by few taps, of which each number has code of its own. */
static inline void weigh_rows(uint8_t *to, const uint8_t *from, size_t stride, size_t count, const struct pair *pair,
                              int taps)
{
    const size_t last = taps % 2 ? 0 : stride;
    if (taps <= 2)
        weigh_all(to, from, stride, last, count, pair, 1);
    else if (taps <= 4)
        weigh_all(to, from, stride, last, count, pair, 2);
    else
        weigh_all(to, from, stride, last, count, pair, (taps + 1) / 2);
}

/* ---- vertical ---- */

static uint8_t clip8(int32_t sum)
{
    const int32_t value = sum >> FILTER_PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Rows of fewer bytes than a vector has. */
static void weigh_narrow(uint8_t *to, const uint8_t *from, size_t stride, size_t count, const int32_t *weight, int taps)
{
    for (size_t x = 0; x < count; x++) {
        int32_t sum = 1 << (FILTER_PRECISION - 1);
        for (int k = 0; k < taps; k++) sum += weight[k] * from[(size_t)k * stride + x];
        to[x] = clip8(sum);
    }
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t count, const struct filter *filter,
                     void *room)
{
    struct pair *pair = room;
    make_pairs(pair, filter);
    for (int y = 0; y < filter->count; y++, out += count, pair += pairs_of(filter)) {
        const uint8_t *from = in + (size_t)filter->bound[2 * y] * stride;
        const int taps = filter->bound[2 * y + 1];
        if (count >= VECTOR)
            weigh_rows(out, from, stride, count, pair, taps);
        else
            weigh_narrow(out, from, stride, count, filter->weight + (size_t)y * (size_t)filter->taps, taps);
    }
}

/* ---- horizontal ---- */

/* One of the four steps that transpose 16 x 16 bytes: rows i and i + 8 are interleaved. */
static inline void interleave(lanes to[16], const lanes from[16])
{
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        to[2 * i] = low_bytes(from[i], from[i + 8]);
        to[2 * i + 1] = high_bytes(from[i], from[i + 8]);
    }
}

/* In each 128 bits byte j of a[i] and byte i of a[j] change places. */
static inline void transpose(lanes a[16])
{
    lanes b[16];
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
}

/* 16 columns, from x on, of VECTOR rows: columns[16][VECTOR]. */
static void turn_16(uint8_t *columns, const uint8_t *const row[VECTOR], size_t x)
{
    lanes a[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) a[i] = load_parts(row[i] + x, row[(i + 16) % VECTOR] + x);
    transpose(a);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) store_bytes(columns + i * VECTOR, a[i]);
}

/* The columns of up to VECTOR rows: columns[count][VECTOR], and 16 at least; missing rows repeat the last one. */
static void turn_in(uint8_t *columns, const uint8_t *in, size_t stride, size_t count, int rows)
{
    const uint8_t *row[VECTOR];
    uint8_t narrow[VECTOR][16];
    for (int i = 0; i < VECTOR; i++) {
        row[i] = in + (size_t)(i < rows ? i : rows - 1) * stride;
        if (count < 16) row[i] = memcpy(narrow[i], row[i], count);
    }
    size_t x = 0;
    for (; x + 16 <= count; x += 16) turn_16(columns + x * VECTOR, row, x);
    if (x == count) return;
    x = count < 16 ? 0 : count - 16; /* the rest, and some of them again */
    turn_16(columns + x * VECTOR, row, x);
}

/* And back: `wide` bytes of each of `rows` rows. */
static void turn_16_back(uint8_t *out, size_t stride, const uint8_t *columns, size_t wide, int rows)
{
    lanes a[16];
    uint8_t row[VECTOR][16];
    const bool is_whole = rows == VECTOR && wide == 16;
    uint8_t *to = is_whole ? out : row[0];
    const size_t apart = is_whole ? stride : sizeof row[0];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) a[i] = load_bytes(columns + i * VECTOR);
    transpose(a);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) store_parts(to + (size_t)i * apart, a[i], 16 * apart);
    for (int i = 0; !is_whole && i < rows; i++) memcpy(out + (size_t)i * stride, row[i], wide);
}

static void turn_out(uint8_t *out, size_t stride, const uint8_t *columns, size_t count, int rows)
{
    size_t x = 0;
    for (; x + 16 <= count; x += 16) turn_16_back(out + x, stride, columns + x * VECTOR, 16, rows);
    if (x < count) turn_16_back(out + x, stride, columns + x * VECTOR, count - x, rows);
}

/* While a block is made, the rows of the next one, which may lie in a mapped file, are fetched. */
static void horizontal(uint8_t *out, const uint8_t *in, size_t stride, int width, int rows, int channels,
                       const struct filter *filter, void *room)
{
    const size_t in_row = (size_t)width * (size_t)channels, pixel = (size_t)channels * VECTOR,
                 count = (size_t)filter->count, out_row = count * (size_t)channels;
    struct pair *pairs = room;
    uint8_t *columns = (uint8_t *)(pairs + count * pairs_of(filter)), *turned = columns + (in_row + 16) * VECTOR;
    make_pairs(pairs, filter);
    for (int y = 0; y < rows; y += VECTOR, in += VECTOR * stride, out += VECTOR * out_row) {
        const int here = rows - y < VECTOR ? rows - y : VECTOR;
        const size_t lines = here < rows - y ? (in_row / 64 + 1) * VECTOR : 0; /* of 64 bytes, to come */
        size_t fetched = 0;
        turn_in(columns, in, stride, in_row, here);
        for (size_t x = 0; x < count; x++) {
            for (; fetched * count < x * lines; fetched++)
                __builtin_prefetch(in + (VECTOR + fetched % VECTOR) * stride + fetched / VECTOR * 64);
            weigh_rows(turned + x * pixel, columns + (size_t)filter->bound[2 * x] * pixel, pixel, pixel,
                       pairs + x * pairs_of(filter), filter->bound[2 * x + 1]);
        }
        turn_out(out, out_row, turned, out_row, here);
    }
}
