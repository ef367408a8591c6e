/* Blending on vectors of LANES 32-bit numbers, and the table of all kernels. */
#include "data/transforms/pixels.h"

#include "data/base/isa.h"
#include "data/transforms/lanes.h"

#if defined(__AVX512F__)
#include "data/transforms/resample_bytes.h"
#else
#include "data/transforms/resample_lanes.h"
#endif

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

/* The same of whole numbers, not yet cut to a byte. */
static inline lanes blend_lanes(floats base, lanes value, float factor)
{
    return __builtin_convertvector(base + factor * (__builtin_convertvector(value, floats) - base), lanes);
}

#if defined(__AVX512F__)
/* There are but 256 values: each is blended once, then looked up. */
static void blend(uint8_t *to, const uint8_t *from, size_t count, int base, float factor)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++) table[i] = blend_one((float)base, (float)i, factor);
    const __m512i a = _mm512_loadu_si512(table), b = _mm512_loadu_si512(table + 64),
                  c = _mm512_loadu_si512(table + 128), d = _mm512_loadu_si512(table + 192);
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
        const __m512i value = _mm512_loadu_si512(from + i), low = _mm512_permutex2var_epi8(a, value, b),
                      high = _mm512_permutex2var_epi8(c, value, d);
        _mm512_storeu_si512(to + i, _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(value), high));
    }
    for (; i < count; i++) to[i] = table[from[i]];
}
#else
static void blend(uint8_t *to, const uint8_t *from, size_t count, int base, float factor)
{
    const lanes zero = {0}, exponent = zero + 0x4b004b00; /* with a byte below it a float: 2^23 + the byte */
    const floats bases = (float)base - (floats){0}, least = bases + 0x1p23f;
    size_t i = 0;
    for (; i + sizeof(lanes) <= count; i += sizeof(lanes)) {
        const lanes value = load_bytes(from + i), low = low_bytes(value, zero), high = high_bytes(value, zero);
        floats part[4] = {(floats)low_halves(low, exponent), (floats)high_halves(low, exponent),
                          (floats)low_halves(high, exponent), (floats)high_halves(high, exponent)};
        lanes whole[4];
        for (int k = 0; k < 4; k++) whole[k] = __builtin_convertvector(bases + factor * (part[k] - least), lanes);
        store_bytes(to + i, pack(whole[0], whole[1], whole[2], whole[3]));
    }
    for (; i < count; i++) to[i] = blend_one((float)base, (float)from[i], factor);
}
#endif

/* Green's weight is halved and green doubled: the weight does not fit in 16 bits with a sign. */
static inline lanes luma_lanes(lanes pixels)
{
    const lanes red_blue = pixels & 0x00ff00ff, green = pixels >> 7 & 0x1fe, zero = {0};
    return add_products(add_products(zero + 32768, red_blue, zero + (7471 << 16 | 19595)), green, zero + 38470 / 2) >>
           16;
}

static int64_t luma_sum(const uint8_t *pixels, size_t count)
{
    enum { BLOCK = 1 << 20 }; /* pixels whose lumas add up to less than 2^31 in each lane */
    int64_t sum = 0;
    size_t i = 0;
    while (i + LANES <= count) {
        lanes block = {0};
        for (const size_t end = i + BLOCK; i < end && i + LANES <= count; i += LANES)
            block += luma_lanes(load_pixels(pixels + 3 * i));
        for (int k = 0; k < LANES; k++) sum += block[k];
    }
    for (; i < count; i++) sum += luma(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
    return sum;
}

static void blend_luma(uint8_t *to, const uint8_t *from, size_t pixels, float factor)
{
    size_t i = 0;
    for (; i + LANES <= pixels; i += LANES, to += 3 * LANES, from += 3 * LANES) {
        const lanes p = load_pixels(from);
        const floats base = __builtin_convertvector(luma_lanes(p), floats);
        store_pixels(to, blend_lanes(base, p & 255, factor), blend_lanes(base, p >> 8 & 255, factor),
                     blend_lanes(base, p >> 16, factor));
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

static void merge(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t pixels)
{
    size_t i = 0;
    for (; i + LANES <= pixels; i += LANES, rgb += 3 * LANES) {
        const lanes luma = load(y + i), b = load(cb + i) - 128, r = load(cr + i) - 128;
        store_pixels(rgb, RED(luma, r), GREEN(luma, b, r), BLUE(luma, b));
    }
    for (; i < pixels; i++, rgb += 3) {
        const int b = cb[i] - 128, r = cr[i] - 128;
        rgb[0] = cut(RED(y[i], r));
        rgb[1] = cut(GREEN(y[i], b, r));
        rgb[2] = cut(BLUE(y[i], b));
    }
}

extern const struct pixel_kernels ISA_NAME(pixel_kernels);
const struct pixel_kernels ISA_NAME(pixel_kernels) = {scratch, horizontal, vertical, luma_sum,
                                                      blend,   blend_luma, mirror,   merge};
