/* From coefficients to pixels, as libjpeg-turbo's SIMD code does it on x86-64: the accurate integer inverse DCT
 * (jidctint), smooth upsampling (jdsample) and colours (jdcolor), in 16-bit numbers. A lane of 128 bits holds a row of
 * a block. */
#include "data/codecs/jpeg_frame.h"

#include "data/base/isa.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
typedef __m512i vec;
typedef unsigned shift_count; /* as the intrinsics want it */
#define V(name) _mm512_##name
INLINE vec load(const void *from)
{
    return _mm512_loadu_si512(from);
}
INLINE void store(void *to, vec value)
{
    _mm512_storeu_si512(to, value);
}
INLINE vec widen(const uint8_t *from)
{
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)from));
}
INLINE vec lanes(const void *from)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128(from));
}
#define LOGIC(name) _mm512_##name##_si512
#elif defined(__AVX2__)
typedef __m256i vec;
typedef int shift_count;
#define V(name)     _mm256_##name
INLINE vec load(const void *from)
{
    return _mm256_loadu_si256(from);
}
INLINE void store(void *to, vec value)
{
    _mm256_storeu_si256(to, value);
}
INLINE vec widen(const uint8_t *from)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}
INLINE vec lanes(const void *from)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(from));
}
#define LOGIC(name) _mm256_##name##_si256
#else
typedef __m128i vec;
typedef int shift_count;
#define V(name)     _mm_##name
INLINE vec load(const void *from)
{
    return _mm_loadu_si128(from);
}
INLINE void store(void *to, vec value)
{
    _mm_storeu_si128(to, value);
}
INLINE vec widen(const uint8_t *from)
{
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(const void *)from), _mm_setzero_si128());
}
INLINE vec lanes(const void *from)
{
    return load(from);
}
#define LOGIC(name) _mm_##name##_si128
#endif

enum { BYTES = sizeof(vec), WORDS = BYTES / 2, GROUP = BYTES / 16 };

INLINE vec words(int value)
{
    return V(set1_epi16)((short)value);
}

INLINE bool is_zero(vec value)
{
    uint64_t part[BYTES / 8], any = 0;
    memcpy(part, &value, sizeof part);
    for (int i = 0; i < BYTES / 8; i++) any |= part[i];
    return any == 0;
}

/* ---- inverse DCT ---- */

#define FIX(x) ((int)((x)*8192 + 0.5)) /* 13 bits: CONST_BITS of jidctint.c */

/* Numbers of 32 bits, in the order in which unpacking gives them. */
struct wide {
    vec low, high;
};

INLINE struct wide add(struct wide a, struct wide b)
{
    return (struct wide){V(add_epi32)(a.low, b.low), V(add_epi32)(a.high, b.high)};
}

INLINE struct wide subtract(struct wide a, struct wide b)
{
    return (struct wide){V(sub_epi32)(a.low, b.low), V(sub_epi32)(a.high, b.high)};
}

/* a p + b q. */
INLINE struct wide rotate(vec a, vec b, int p, int q)
{
    const vec factors = V(set1_epi32)((int)((uint32_t)q << 16 | (uint16_t)p));
    return (struct wide){V(madd_epi16)(V(unpacklo_epi16)(a, b), factors),
                         V(madd_epi16)(V(unpackhi_epi16)(a, b), factors)};
}

/* a 2^13. */
INLINE struct wide scale(vec a)
{
    const vec zero = words(0);
    return (struct wide){V(srai_epi32)(V(unpacklo_epi16)(zero, a), 3), V(srai_epi32)(V(unpackhi_epi16)(zero, a), 3)};
}

INLINE vec descale(struct wide a, const shift_count shift)
{
    const vec half = V(set1_epi32)(1 << (shift - 1));
    return V(packs_epi32)(V(srai_epi32)(V(add_epi32)(a.low, half), shift),
                          V(srai_epi32)(V(add_epi32)(a.high, half), shift));
}

/* The one-dimensional transform of eight rows at once (jidctint.c; Loeffler, Ligtenberg and Moschytz 1989), factors
 * multiplied out as in jidctint-sse2.asm. */
INLINE void transform(vec row[8], const shift_count shift)
{
    const struct wide t3 = rotate(row[2], row[6], FIX(0.541196100) + FIX(0.765366865), FIX(0.541196100)),
                      t2 = rotate(row[2], row[6], FIX(0.541196100), FIX(0.541196100) - FIX(1.847759065)),
                      t0 = scale(V(add_epi16)(row[0], row[4])), t1 = scale(V(sub_epi16)(row[0], row[4])),
                      even[4] = {add(t0, t3), add(t1, t2), subtract(t1, t2), subtract(t0, t3)};
    const vec a = V(add_epi16)(row[3], row[7]), b = V(add_epi16)(row[1], row[5]);
    const struct wide z3 = rotate(a, b, FIX(1.175875602) - FIX(1.961570560), FIX(1.175875602)),
                      z4 = rotate(a, b, FIX(1.175875602), FIX(1.175875602) - FIX(0.390180644)),
                      odd[4] = {
                          add(rotate(row[7], row[1], -FIX(0.899976223), FIX(1.501321110) - FIX(0.899976223)), z4),
                          add(rotate(row[5], row[3], -FIX(2.562915447), FIX(3.072711026) - FIX(2.562915447)), z3),
                          add(rotate(row[5], row[3], FIX(2.053119869) - FIX(2.562915447), -FIX(2.562915447)), z4),
                          add(rotate(row[7], row[1], FIX(0.298631336) - FIX(0.899976223), -FIX(0.899976223)), z3),
                      };
    for (int i = 0; i < 4; i++) {
        row[i] = descale(add(even[i], odd[i]), shift);
        row[7 - i] = descale(subtract(even[i], odd[i]), shift);
    }
}

INLINE void transpose(vec row[8])
{
    vec a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = V(unpacklo_epi16)(row[i], row[i + 4]);
        a[2 * i + 1] = V(unpackhi_epi16)(row[i], row[i + 4]);
    }
    for (int i = 0; i < 4; i++) {
        b[2 * i] = V(unpacklo_epi16)(a[i], a[i + 4]);
        b[2 * i + 1] = V(unpackhi_epi16)(a[i], a[i + 4]);
    }
    for (int i = 0; i < 4; i++) {
        row[2 * i] = V(unpacklo_epi16)(b[i], b[i + 4]);
        row[2 * i + 1] = V(unpackhi_epi16)(b[i], b[i + 4]);
    }
}

/* Two rows of the group's samples. */
INLINE void store_rows(uint8_t *first, uint8_t *second, vec a, vec b)
{
    const vec both = LOGIC(xor)(V(packs_epi16)(a, b), V(set1_epi8)(-128));
#if defined(__AVX512F__)
    const vec apart = _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), both);
    _mm256_storeu_si256((__m256i *)(void *)first, _mm512_castsi512_si256(apart));
    _mm256_storeu_si256((__m256i *)(void *)second, _mm512_extracti64x4_epi64(apart, 1));
#elif defined(__AVX2__)
    const vec apart = _mm256_permute4x64_epi64(both, 0xd8);
    _mm_storeu_si128((__m128i *)(void *)first, _mm256_castsi256_si128(apart));
    _mm_storeu_si128((__m128i *)(void *)second, _mm256_extracti128_si256(apart, 1));
#else
    _mm_storel_epi64((__m128i *)(void *)first, both);
    _mm_storel_epi64((__m128i *)(void *)second, _mm_srli_si128(both, 8));
#endif
}

/* Rows times their quantisation, after the first pass. Where only the first row is not zero libjpeg-turbo shifts; where
 * another block of the group has more, shifting is what the first pass comes to, unless a number leaves its 16 bits:
 * then *odd is not zero. */
INLINE void first_pass(vec row[8], int16_t *coefficient, const uint16_t quant[64], vec *odd)
{
    vec any = words(0);
    for (int i = 0; i < 8; i++) {
        row[i] = load(coefficient + i * WORDS);
        if (i > 0) any = LOGIC(or)(any, row[i]);
        store(coefficient + i * WORDS, words(0));
    }
    row[0] = V(mullo_epi16)(row[0], lanes(quant));
    const vec shifted = V(slli_epi16)(row[0], 2);
    if (is_zero(any)) {
        for (int i = 0; i < 8; i++) row[i] = shifted;
        return;
    }
    *odd = LOGIC(or)(*odd, LOGIC(xor)(row[0], V(srai_epi16)(shifted, 2)));
    for (int i = 1; i < 8; i++) row[i] = V(mullo_epi16)(row[i], lanes(quant + i * 8));
    transform(row, 13 - 2);
}

static bool invert(uint8_t *to, size_t stride, int16_t *coefficient, const uint16_t quant[64], int groups)
{
    vec row[8], odd = words(0);
    for (int g = 0; g < groups; g++, to += 8 * GROUP, coefficient += 64 * GROUP) {
        first_pass(row, coefficient, quant, &odd);
        transpose(row);
        transform(row, 13 + 2 + 3);
        transpose(row);
        for (int i = 0; i < 8; i += 2)
            store_rows(to + (size_t)i * stride, to + (size_t)(i + 1) * stride, row[i], row[i + 1]);
    }
    return is_zero(odd);
}

/* ---- upsampling ---- */

static void sum_rows(uint16_t *sum, const uint8_t *near, const uint8_t *far, int count)
{
    for (int x = 0; x < count; x += WORDS) {
        const vec n = widen(near + x);
        store(sum + x, V(add_epi16)(V(add_epi16)(n, V(slli_epi16)(n, 1)), widen(far + x)));
    }
}

static void sum_row(uint16_t *sum, const uint8_t *row, int count)
{
    for (int x = 0; x < count; x += WORDS) store(sum + x, widen(row + x));
}

static void spread(uint8_t *to, const uint16_t *sum, int count, int even, int odd, int shift)
{
    const __m128i by = _mm_cvtsi32_si128(shift);
    for (int x = 0; x < count; x += WORDS) {
        const vec here = load(sum + x), three = V(add_epi16)(here, V(slli_epi16)(here, 1)),
                  left = V(add_epi16)(V(add_epi16)(three, load(sum + x - 1)), words(even)),
                  right = V(add_epi16)(V(add_epi16)(three, load(sum + x + 1)), words(odd));
        store(to + 2 * x, LOGIC(or)(V(srl_epi16)(left, by), V(slli_epi16)(V(srl_epi16)(right, by), 8)));
    }
}

static void blend(uint8_t *to, const uint8_t *near, const uint8_t *far, int count, int bias)
{
    for (int x = 0; x < count; x++) to[x] = (uint8_t)((3 * near[x] + far[x] + bias) >> 2);
}

/* ---- means ---- */

enum { MEANS = 64 }; /* at a time */

INLINE void shrink_some(uint8_t *to, const uint8_t *from, size_t stride, int count, const int by)
{
    uint16_t column[MEANS * 8] = {0}, sum[MEANS];
    const int columns = count * by, shift = by == 2 ? 2 : by == 4 ? 4 : 6;
    for (int y = 0; y < by; y++)
        for (int x = 0; x < columns; x++) column[x] = (uint16_t)(column[x] + from[(size_t)y * stride + (size_t)x]);
    for (int x = 0; x < count; x++) {
        sum[x] = (uint16_t)(by * by / 2);
        for (int i = 0; i < by; i++) sum[x] = (uint16_t)(sum[x] + column[x * by + i]);
    }
    for (int x = 0; x < count; x++) to[x] = (uint8_t)(sum[x] >> shift);
}

static void shrink(uint8_t *to, const uint8_t *from, size_t stride, int count, int by)
{
    for (int x = 0; x < count; x += MEANS, to += MEANS, from += MEANS * by) {
        const int here = count - x < MEANS ? count - x : MEANS;
        if (by == 2)
            shrink_some(to, from, stride, here, 2);
        else if (by == 4)
            shrink_some(to, from, stride, here, 4);
        else
            shrink_some(to, from, stride, here, 8);
    }
}

/* ---- colours ---- */

/* ((factor / 2^16) x, rounded) of numbers below 2^14: twice that, and the rest of the rounding. */
INLINE vec part_of(vec x, int factor)
{
    return V(srai_epi16)(V(add_epi16)(V(mulhi_epi16)(V(add_epi16)(x, x), words(factor)), words(1)), 1);
}

/* jdcolor.c: 1.402, 0.34414, 0.71414 and 1.772 in 16-bit fixed point, those above 1/2 less a whole. */
INLINE void mix(vec rgb[3], vec y, vec cb, vec cr)
{
    const vec half = V(set1_epi32)(1 << 15), factors = V(set1_epi32)((int)((uint32_t)18734 << 16 | (uint16_t)-22554));
    const vec low = V(madd_epi16)(V(unpacklo_epi16)(cb, cr), factors),
              high = V(madd_epi16)(V(unpackhi_epi16)(cb, cr), factors),
              green = V(packs_epi32)(V(srai_epi32)(V(add_epi32)(low, half), 16),
                                     V(srai_epi32)(V(add_epi32)(high, half), 16));
    rgb[0] = V(add_epi16)(V(add_epi16)(y, cr), part_of(cr, 26345));
    rgb[1] = V(sub_epi16)(V(add_epi16)(y, green), cr);
    rgb[2] = V(add_epi16)(V(add_epi16)(y, V(add_epi16)(cb, cb)), part_of(cb, -14942));
}

#if defined(__AVX2__)
/* Each lane's 16 pixels become 48 bytes: byte i is of colour i % 3. */
INLINE void interleave(uint8_t *to, const vec colour[3])
{
    static const int8_t place[3][3][16] = {
        {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
         {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
         {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1}},
        {{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
         {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
         {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1}},
        {{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},
         {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},
         {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}},
    };
    vec part[3];
    for (int p = 0; p < 3; p++)
        part[p] = LOGIC(or)(
            LOGIC(or)(V(shuffle_epi8)(colour[0], lanes(place[p][0])), V(shuffle_epi8)(colour[1], lanes(place[p][1]))),
            V(shuffle_epi8)(colour[2], lanes(place[p][2])));
    for (int lane = 0; lane < GROUP; lane++)
        for (int p = 0; p < 3; p++) memcpy(to + lane * 48 + p * 16, (const uint8_t *)&part[p] + lane * 16, 16);
}
#else
INLINE void interleave(uint8_t *to, const vec colour[3])
{
    uint8_t plain[3][BYTES];
    memcpy(plain, colour, sizeof plain);
    for (int x = 0; x < BYTES; x++)
        for (int c = 0; c < 3; c++) to[3 * x + c] = plain[c][x];
}
#endif

INLINE void colour_pixels(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr)
{
    const vec zero = words(0), middle = words(128), luma = load(y), blue = load(cb), red = load(cr);
    vec low[3], high[3], colour[3];
    mix(low, V(unpacklo_epi8)(luma, zero), V(sub_epi16)(V(unpacklo_epi8)(blue, zero), middle),
        V(sub_epi16)(V(unpacklo_epi8)(red, zero), middle));
    mix(high, V(unpackhi_epi8)(luma, zero), V(sub_epi16)(V(unpackhi_epi8)(blue, zero), middle),
        V(sub_epi16)(V(unpackhi_epi8)(red, zero), middle));
    for (int c = 0; c < 3; c++) colour[c] = V(packus_epi16)(low[c], high[c]);
    interleave(rgb, colour);
}

static void colour(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int pixels)
{
    int x = 0;
    for (; x + BYTES <= pixels; x += BYTES, rgb += 3 * BYTES) colour_pixels(rgb, y + x, cb + x, cr + x);
    if (x == pixels) return;
    uint8_t last[3 * BYTES];
    colour_pixels(last, y + x, cb + x, cr + x);
    memcpy(rgb, last, (size_t)(pixels - x) * 3);
}

extern const struct jpeg_kernels ISA_NAME(jpeg_kernels);
const struct jpeg_kernels ISA_NAME(jpeg_kernels) = {
    .group = GROUP,
    .read = ISA_NAME(jpeg_read),
    .invert = invert,
    .sum_rows = sum_rows,
    .sum_row = sum_row,
    .spread = spread,
    .blend = blend,
    .shrink = shrink,
    .colour = colour,
};
