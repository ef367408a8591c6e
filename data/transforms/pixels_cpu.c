/* Resampling and blending on vectors of LANES 32-bit numbers. The horizontal pass turns blocks of 16 rows on their
 * side, so that a vector holds the same column of different rows and both passes are the same: a weighted sum of
 * vectors. */
#include "data/transforms/pixels.h"

#include "data/base/isa.h"

#include <immintrin.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef int32_t lanes __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint8_t bytes __attribute__((vector_size(LANES)));

static inline lanes load(const uint8_t *from)
{
    bytes b;
    memcpy(&b, from, sizeof b);
#if defined(__AVX512F__)
    return (lanes)_mm512_cvtepu8_epi32((__m128i)b);
#elif defined(__AVX2__)
    return (lanes)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)b));
#else
    return __builtin_convertvector(b, lanes);
#endif
}

/* Cut to 0 … 255. */
static inline void store(uint8_t *to, lanes value)
{
#if defined(__AVX512F__)
    const bytes b = (bytes)_mm512_cvtusepi32_epi8(_mm512_max_epi32((__m512i)value, _mm512_setzero_si512()));
#else
    const lanes low = value<0, high = value> 255;
    const bytes b = __builtin_convertvector((value & ~(low | high)) | (high & 255), bytes);
#endif
    memcpy(to, &b, sizeof b);
}

static inline lanes half(void)
{
    return (1 << (FILTER_PRECISION - 1)) - (lanes){0};
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

static void vertical(uint8_t *out, const uint8_t *in, size_t stride, size_t count, const struct filter *filter)
{
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
    const uint8_t *row[PIXEL_ROWS], *from[16];
    uint8_t *to[16], rest[PIXEL_ROWS][16];
    for (int i = 0; i < PIXEL_ROWS; i++) row[i] = in + (size_t)(i < rows ? i : rows - 1) * stride;
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
    for (int part = 0; part < PIXEL_ROWS; part += LANES) {
        lanes sum[3] = {half(), half(), half()};
        const uint8_t *at = from + part;
        for (int k = 0; k < taps; k++, at += channels * PIXEL_ROWS)
            for (int c = 0; c < channels; c++) sum[c] += weight[k] * load(at + c * PIXEL_ROWS);
        for (int c = 0; c < channels; c++) store(to + c * PIXEL_ROWS + part, sum[c] >> FILTER_PRECISION);
    }
}

static void weigh_all(uint8_t *to, const uint8_t *from, const struct filter *filter, int channels)
{
    for (int x = 0; x < filter->count; x++) {
        const uint8_t *at = from + filter->bound[2 * x] * channels * PIXEL_ROWS;
        const int32_t *weight = filter->weight + (size_t)x * (size_t)filter->taps;
        const int taps = filter->bound[2 * x + 1];
        if (channels == 3)
            weigh_columns(to + x * 3 * PIXEL_ROWS, at, weight, taps, 3);
        else
            weigh_columns(to + x * PIXEL_ROWS, at, weight, taps, 1);
    }
}

static void horizontal(uint8_t *out, const uint8_t *in, size_t stride, int width, int rows, int channels,
                       const struct filter *filter, uint8_t *scratch)
{
    const size_t in_row = (size_t)width * (size_t)channels, out_row = (size_t)filter->count * (size_t)channels;
    uint8_t *columns = scratch, *turned = scratch + (in_row + 16) * PIXEL_ROWS;
    for (int y = 0; y < rows; y += PIXEL_ROWS) {
        const int here = rows - y < PIXEL_ROWS ? rows - y : PIXEL_ROWS;
        turn_in(columns, in + (size_t)y * stride, stride, in_row, here);
        weigh_all(turned, columns, filter, channels);
        turn_out(out + (size_t)y * out_row, out_row, turned, out_row, here);
    }
}

/* ---- colours ---- */

static inline int luma(int red, int green, int blue)
{
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

/* Pillow's Image.blend: base + factor (value - base), cut to a whole number and to a byte. */
static inline uint8_t blend_one(float base, float value, float factor)
{
    const int mixed = (int)(base + factor * (value - base));
    return (uint8_t)(mixed < 0 ? 0 : mixed > 255 ? 255 : mixed);
}

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));

static inline void blend_lanes(uint8_t *to, lanes value, floats base, float factor)
{
    const floats v = __builtin_convertvector(value, floats);
    store(to, __builtin_convertvector(base + factor * (v - base), lanes));
}

static void blend(uint8_t *to, const uint8_t *from, size_t count, int base, float factor)
{
    const floats bases = (float)base - (floats){0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) blend_lanes(to + i, load(from + i), bases, factor);
    for (; i < count; i++) to[i] = blend_one((float)base, (float)from[i], factor);
}

/* result[i] = element at[i] of a, or of b from LANES on. */
static inline lanes pick(lanes a, lanes b, lanes at)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_permutex2var_epi32((__m512i)a, (__m512i)at, (__m512i)b);
#elif defined(__AVX2__)
    const lanes first = (lanes)_mm256_permutevar8x32_epi32((__m256i)a, (__m256i)at),
                second = (lanes)_mm256_permutevar8x32_epi32((__m256i)b, (__m256i)at), is_second = at >= LANES;
    return (first & ~is_second) | (second & is_second);
#else
    lanes result;
    for (int i = 0; i < LANES; i++) result[i] = at[i] < LANES ? a[at[i]] : b[at[i] - LANES];
    return result;
#endif
}

/* Three vectors hold LANES pixels. Which elements of the first two have the colour c of each pixel, and which of those
 * and the third (`first`, `rest`); and which luma each element belongs to (`spread`). */
struct triples {
    lanes first[3], rest[3], spread[3];
};

static struct triples make_triples(void)
{
    struct triples t;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < LANES; i++) {
            const int at = 3 * i + c;
            t.first[c][i] = at < 2 * LANES ? at : 0;
            t.rest[c][i] = at < 2 * LANES ? i : at - LANES;
            t.spread[c][i] = (c * LANES + i) / 3;
        }
    return t;
}

static inline lanes luma_lanes(const struct triples *t, const lanes part[3])
{
    lanes colour[3];
    for (int c = 0; c < 3; c++) colour[c] = pick(pick(part[0], part[1], t->first[c]), part[2], t->rest[c]);
    return (19595 * colour[0] + 38470 * colour[1] + 7471 * colour[2] + 32768) >> 16;
}

static int64_t luma_sum(const uint8_t *pixels, size_t count)
{
    enum { BLOCK = 1 << 20 }; /* pixels whose lumas add up to less than 2^31 in each lane */
    const struct triples t = make_triples();
    int64_t sum = 0;
    size_t i = 0;
    while (i + LANES <= count) {
        lanes block = {0};
        for (const size_t end = i + BLOCK; i < end && i + LANES <= count; i += LANES) {
            const uint8_t *at = pixels + 3 * i;
            const lanes part[3] = {load(at), load(at + LANES), load(at + 2 * LANES)};
            block += luma_lanes(&t, part);
        }
        for (int k = 0; k < LANES; k++) sum += block[k];
    }
    for (; i < count; i++) sum += luma(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
    return sum;
}

static void blend_luma(uint8_t *to, const uint8_t *from, size_t pixels, float factor)
{
    const struct triples t = make_triples();
    size_t i = 0;
    for (; i + LANES <= pixels; i += LANES, to += 3 * LANES, from += 3 * LANES) {
        const lanes part[3] = {load(from), load(from + LANES), load(from + 2 * LANES)}, base = luma_lanes(&t, part);
        for (int c = 0; c < 3; c++)
            blend_lanes(to + c * LANES, part[c], __builtin_convertvector(pick(base, base, t.spread[c]), floats),
                        factor);
    }
    for (; i < pixels; i++, to += 3, from += 3) {
        const float base = (float)luma(from[0], from[1], from[2]);
        for (int c = 0; c < 3; c++) to[c] = blend_one(base, (float)from[c], factor);
    }
}

/* ---- mirror ---- */

enum { MIRRORED = 5 }; /* pixels in a vector of 16 bytes */

/* Five pixels; `from` is the byte before them, and a byte more is written behind. */
static inline void mirror_five(uint8_t *to, const uint8_t *from)
{
#if defined(__AVX2__)
    const __m128i order = _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
    _mm_storeu_si128((__m128i *)(void *)to,
                     _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)from), order));
#else
    for (int i = 0; i < MIRRORED; i++) memcpy(to + 3 * i, from + 1 + 3 * (MIRRORED - 1 - i), 3);
#endif
}

static void mirror(uint8_t *to, const uint8_t *from, size_t pixels)
{
    size_t left = pixels;
    for (; left > MIRRORED; left -= MIRRORED, to += 3 * MIRRORED) mirror_five(to, from + 3 * (left - MIRRORED) - 1);
    for (; left > 0; left--, to += 3) memcpy(to, from + 3 * (left - 1), 3);
}

/* ---- luma and chroma to colours, in 16-bit fixed point ---- */

#define RED(y, r)      (((y)*65536 + 91881 * (r) + 32768) >> 16)
#define GREEN(y, b, r) (((y)*65536 - 22554 * (b)-46802 * (r) + 32768) >> 16)
#define BLUE(y, b)     (((y)*65536 + 116130 * (b) + 32768) >> 16)

static uint8_t cut(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Of three vectors of LANES pixels written side by side, part p's element i is element `pixel` of colour `colour`;
 * `both` finds it among the first two, `third` puts the third's in between. */
struct weave {
    lanes both[3], third[3];
};

static struct weave make_weave(void)
{
    struct weave w;
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < LANES; i++) {
            const int colour = (p * LANES + i) % 3, pixel = (p * LANES + i) / 3;
            w.both[p][i] = colour < 2 ? colour * LANES + pixel : 0;
            w.third[p][i] = colour < 2 ? i : LANES + pixel;
        }
    return w;
}

static void merge(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t pixels)
{
    const struct weave w = make_weave();
    size_t i = 0;
    for (; i + LANES <= pixels; i += LANES, rgb += 3 * LANES) {
        const lanes luma = load(y + i), b = load(cb + i) - 128, r = load(cr + i) - 128, red = RED(luma, r),
                    green = GREEN(luma, b, r), blue = BLUE(luma, b);
        for (int p = 0; p < 3; p++) store(rgb + p * LANES, pick(pick(red, green, w.both[p]), blue, w.third[p]));
    }
    for (; i < pixels; i++, rgb += 3) {
        const int b = cb[i] - 128, r = cr[i] - 128;
        rgb[0] = cut(RED(y[i], r));
        rgb[1] = cut(GREEN(y[i], b, r));
        rgb[2] = cut(BLUE(y[i], b));
    }
}

extern const struct pixel_kernels ISA_NAME(pixel_kernels);
const struct pixel_kernels ISA_NAME(pixel_kernels) = {horizontal, vertical, luma_sum, blend, blend_luma, mirror, merge};
