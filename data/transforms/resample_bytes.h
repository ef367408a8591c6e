/* Resampling by products of bytes (VNNI) that add up four taps at once: a weight of 22 bits is three signed bytes. Both
 * passes read rows as they lie: the horizontal one gathers the taps of 16 numbers from 64 bytes (VBMI). Included by
 * pixels_cpu.c. */
#pragma once

#include "data/transforms/lanes.h"
#include "data/transforms/pixels.h"

#include <stdbool.h>

enum { TAPS = 4 }; /* of a product */

/* Four weights: their high, middle and low bytes. weight = 65536 high + 256 middle + low. */
struct split {
    int32_t part[3];
};

/* Of the first `count` weights, 0 beyond. */
static inline struct split split_weights(const int32_t *weight, int count)
{
    const __m128i middle = _mm_set1_epi32(0x00808080),
                  order = _mm_setr_epi8(2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12, 3, 7, 11, 15);
    const unsigned there = count < TAPS ? (1u << count) - 1 : 15;
    const __m128i whole = _mm_maskz_loadu_epi32((__mmask8)there, weight);
    const __m128i parts = _mm_shuffle_epi8(_mm_xor_si128(_mm_add_epi32(whole, middle), middle), order);
    struct split split;
    memcpy(&split, &parts, sizeof split);
    return split;
}

/* Four bytes in each number of `taps`, times their weights; 65536 start is in the sum as well. */
static inline __m512i weigh(__m512i start, __m512i taps, __m512i high, __m512i middle, __m512i low)
{
    __m512i sum = _mm512_dpbusd_epi32(start, taps, high);
    sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), taps, middle);
    return _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), taps, low);
}

/* The start of a sum that is to be rounded. */
static inline __m512i half(void)
{
    return _mm512_set1_epi32(1 << (FILTER_PRECISION - 1 - 16));
}

static inline void add(__m512i sum[4], const __m512i more[4])
{
    for (int i = 0; i < 4; i++) sum[i] = _mm512_add_epi32(sum[i], more[i]);
}

static inline __mmask64 first_bytes(size_t count)
{
    return count < 64 ? (1ull << count) - 1 : ~0ull;
}

/* Within each 128 bits four sums of each vector, as bytes. */
static inline __m512i round_sums(const __m512i sum[4])
{
    lanes whole[4];
    for (int i = 0; i < 4; i++) whole[i] = (lanes)_mm512_srai_epi32(sum[i], FILTER_PRECISION);
    return (__m512i)pack(whole[0], whole[1], whole[2], whole[3]);
}

/* ---- vertical ---- */

/* Four rows and their weights; where there are fewer, the last one stands in, with weights of 0. */
struct rows {
    const uint8_t *row[TAPS];
    struct split weight;
};

/* 64 bytes of four rows. */
static inline void weigh_rows(__m512i sum[4], __m512i start, const struct rows *rows, size_t x, __mmask64 mask)
{
    __m512i row[TAPS], pair[4];
    for (int k = 0; k < TAPS; k++) row[k] = _mm512_maskz_loadu_epi8(mask, rows->row[k] + x);
    for (int k = 0; k < 2; k++) {
        pair[2 * k] = _mm512_unpacklo_epi8(row[2 * k], row[2 * k + 1]);
        pair[2 * k + 1] = _mm512_unpackhi_epi8(row[2 * k], row[2 * k + 1]);
    }
    const __m512i taps[4] = {_mm512_unpacklo_epi16(pair[0], pair[2]), _mm512_unpackhi_epi16(pair[0], pair[2]),
                             _mm512_unpacklo_epi16(pair[1], pair[3]), _mm512_unpackhi_epi16(pair[1], pair[3])};
    const __m512i high = _mm512_set1_epi32(rows->weight.part[0]), middle = _mm512_set1_epi32(rows->weight.part[1]),
                  low = _mm512_set1_epi32(rows->weight.part[2]);
    for (int i = 0; i < 4; i++) sum[i] = weigh(start, taps[i], high, middle, low);
}

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t count, const struct filter *filter,
                     void *room)
{
    struct rows *rows = room;
    for (int y = 0; y < filter->count; y++, out += count) {
        const uint8_t *from = in + (size_t)filter->bound[2 * y] * stride;
        const int32_t *weight = filter->weight + (size_t)y * (size_t)filter->taps;
        const int taps = filter->bound[2 * y + 1];
        for (int k = 0; k < taps; k += TAPS) {
            rows[k / TAPS].weight = split_weights(weight + k, taps - k);
            for (int i = 0; i < TAPS; i++)
                rows[k / TAPS].row[i] = from + (size_t)(k + i < taps ? k + i : taps - 1) * stride;
        }
        for (size_t x = 0; x < count; x += 64) {
            const __mmask64 mask = first_bytes(count - x);
            __m512i sum[4], more[4];
            weigh_rows(sum, half(), rows, x, mask);
            for (int k = TAPS; k < taps; k += TAPS) {
                weigh_rows(more, _mm512_setzero_si512(), &rows[k / TAPS], x, mask);
                add(sum, more);
            }
            _mm512_mask_storeu_epi8(out + x, mask, round_sums(sum));
        }
    }
}

/* ---- horizontal ---- */

enum { NUMBERS = 16, ROWS = 4 }; /* that are made at once */

/* Up to four taps of each of 16 numbers (one colour of a pixel each): where in 64 bytes they lie, and the parts of
 * their weights. */
struct step {
    int32_t tap[NUMBERS], part[3][NUMBERS];
    int64_t from; /* the first of the 64 bytes, counted from the row's */
    bool is_last; /* of these numbers */
};

/* A row in: a pixel has so many bytes. */
struct row {
    int channels;
    int64_t bytes;
};

/* Pixel x's next `taps` taps, which begin at a byte of the 64, for those of its numbers that are among the 16 from
 * `first` on. */
static void plan_pixel(struct step *self, struct split weight, int channels, int at, int number)
{
    for (int c = 0; c < channels; c++) {
        const int i = number + c;
        if (i < 0 || i >= NUMBERS) continue;
        self->tap[i] = 0x01010101 * (at + c) + 0x03020100 * channels;
        for (int k = 0; k < 3; k++) self->part[k][i] = weight.part[k];
    }
}

/* The steps that make numbers first … first + 15 of a row; returns how many. A step takes from each number what it
 * still lacks, as far as that lies in the 64 bytes from the first that is lacking. */
static int plan_numbers(struct step *step, const struct filter *filter, struct row row, int first)
{
    const int channels = row.channels, begin = first / channels, beyond = (first + NUMBERS - 1) / channels + 1,
              end = beyond < filter->count ? beyond : filter->count;
    int done[NUMBERS] = {0}, count = 0, missing = end - begin;
    while (missing > 0) {
        struct step *self = &step[count++];
        *self = (struct step){.from = row.bytes > 64 ? row.bytes - 64 : 0};
        for (int x = begin; x < end; x++) {
            const int64_t at = (int64_t)(filter->bound[2 * x] + done[x - begin]) * channels;
            if (done[x - begin] < filter->bound[2 * x + 1] && at < self->from) self->from = at;
        }
        for (int x = begin; x < end; x++) {
            const int lacks = filter->bound[2 * x + 1] - done[x - begin];
            const int64_t at = (int64_t)(filter->bound[2 * x] + done[x - begin]) * channels - self->from,
                          fits = (64 - at) / channels;
            int taps = lacks < TAPS ? lacks : TAPS;
            if (taps > fits) taps = (int)fits;
            if (taps <= 0) continue;
            const int32_t *weight = filter->weight + (size_t)x * (size_t)filter->taps + done[x - begin];
            plan_pixel(self, split_weights(weight, taps), channels, (int)at, x * channels - first);
            done[x - begin] += taps;
            missing -= taps == lacks;
        }
    }
    step[count - 1].is_last = true;
    return count;
}

/* A step of 16 numbers of four rows. What it will read of the rows to come, which may lie in a mapped file, is fetched.
 */
static inline void weigh_numbers(__m512i sum[ROWS], __m512i start, const struct step *step,
                                 const uint8_t *const row[ROWS], size_t to_come, __mmask64 mask)
{
    const __m512i tap = _mm512_loadu_si512(step->tap), high = _mm512_loadu_si512(step->part[0]),
                  middle = _mm512_loadu_si512(step->part[1]), low = _mm512_loadu_si512(step->part[2]);
    for (int i = 0; i < ROWS; i++) {
        const uint8_t *from = row[i] + step->from;
        const __m512i taps = _mm512_permutexvar_epi8(tap, _mm512_maskz_loadu_epi8(mask, from));
        sum[i] = weigh(start, taps, high, middle, low);
        __builtin_prefetch(from + to_come);
    }
}

/* A step brings at least one pixel's next four taps, or its last ones; a pixel may belong to two times 16 numbers. */
static size_t scratch(int width, const struct filter *filter)
{
    (void)width;
    return (size_t)(filter->taps / TAPS + 1) * (size_t)filter->count * 2 * sizeof(struct step);
}

static void horizontal(uint8_t *out, const uint8_t *in, size_t stride, int width, int rows, int channels,
                       const struct filter *filter, void *room)
{
    const __m512i by_row = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const struct row row = {channels, (int64_t)width * channels};
    const int count = filter->count * channels;
    const __mmask64 mask = first_bytes((size_t)row.bytes);
    struct step *plan = room;
    for (int first = 0, steps = 0; first < count; first += NUMBERS)
        steps += plan_numbers(plan + steps, filter, row, first);
    for (int y = 0; y < rows; y += ROWS) {
        const uint8_t *from[ROWS];
        uint8_t *to[ROWS];
        for (int i = 0; i < ROWS; i++) {
            const size_t here = (size_t)(y + i < rows ? y + i : rows - 1);
            from[i] = in + here * stride;
            to[i] = out + here * (size_t)count;
        }
        const struct step *step = plan;
        for (int x = 0; x < count; x += NUMBERS) {
            __m512i sum[ROWS], more[ROWS];
            weigh_numbers(sum, half(), step, from, ROWS * stride, mask);
            while (!step++->is_last) {
                weigh_numbers(more, _mm512_setzero_si512(), step, from, ROWS * stride, mask);
                add(sum, more);
            }
            const __m512i whole = _mm512_permutexvar_epi32(by_row, round_sums(sum));
            const __mmask16 there = (__mmask16)first_bytes((size_t)(count - x));
            __m128i numbers[ROWS];
            _mm512_storeu_si512(numbers, whole);
            for (int i = 0; i < ROWS; i++) _mm_mask_storeu_epi8(to[i] + x, there, numbers[i]);
        }
    }
}
