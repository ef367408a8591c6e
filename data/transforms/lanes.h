/* Vectors of LANES 32-bit numbers, which the pixel kernels of every instruction set compute with: bytes and pixels in,
 * bytes and pixels out. Included by *_cpu.c and what they include. Thread: any. */
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef int32_t lanes __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
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

/* Within each 128 bits the four numbers of a, of b, of c and of d, cut to 0 … 255. */
static inline lanes pack(lanes a, lanes b, lanes c, lanes d)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_packus_epi16(_mm512_packs_epi32((__m512i)a, (__m512i)b),
                                      _mm512_packs_epi32((__m512i)c, (__m512i)d));
#elif defined(__AVX2__)
    return (lanes)_mm256_packus_epi16(_mm256_packs_epi32((__m256i)a, (__m256i)b),
                                      _mm256_packs_epi32((__m256i)c, (__m256i)d));
#else
    return (lanes)_mm_packus_epi16(_mm_packs_epi32((__m128i)a, (__m128i)b), _mm_packs_epi32((__m128i)c, (__m128i)d));
#endif
}

#if !defined(__AVX512F__)
#if defined(__AVX2__)
typedef __m256i vector;
#define V(name) _mm256_##name
#else
typedef __m128i vector;
#define V(name) _mm_##name
#endif

static inline lanes load_bytes(const uint8_t *from)
{
    lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store_bytes(uint8_t *to, lanes v)
{
    memcpy(to, &v, sizeof v);
}

/* Within each 128 bits the bytes of a and of b in turns: the first eight, or the last eight of each. */
static inline lanes low_bytes(lanes a, lanes b)
{
    return (lanes)V(unpacklo_epi8)((vector)a, (vector)b);
}

static inline lanes high_bytes(lanes a, lanes b)
{
    return (lanes)V(unpackhi_epi8)((vector)a, (vector)b);
}

/* The same of 16-bit halves. */
static inline lanes low_halves(lanes a, lanes b)
{
    return (lanes)V(unpacklo_epi16)((vector)a, (vector)b);
}

static inline lanes high_halves(lanes a, lanes b)
{
    return (lanes)V(unpackhi_epi16)((vector)a, (vector)b);
}

/* 16-bit halves: sum + the products of the two bytes of a, without a sign, and of b, with one; they fit. */
static inline lanes add_products_of_bytes(lanes sum, lanes a, lanes b)
{
#if defined(__AVX2__)
    return (lanes)_mm256_add_epi16((__m256i)sum, _mm256_maddubs_epi16((__m256i)a, (__m256i)b));
#else
    const __m128i low = _mm_set1_epi16(255), even = _mm_srai_epi16(_mm_slli_epi16((__m128i)b, 8), 8);
    const __m128i products = _mm_add_epi16(
        _mm_mullo_epi16(_mm_and_si128((__m128i)a, low), even),
        _mm_mullo_epi16(_mm_srli_epi16((__m128i)a, 8), _mm_srai_epi16((__m128i)b, 8)));
    return (lanes)_mm_add_epi16((__m128i)sum, products);
#endif
}

/* Each 128 bits from a place of their own. */
static inline lanes load_parts(const uint8_t *low, const uint8_t *high)
{
    const __m128i first = _mm_loadu_si128((const __m128i *)(const void *)low);
#if defined(__AVX2__)
    return (lanes)_mm256_inserti128_si256(_mm256_castsi128_si256(first),
                                          _mm_loadu_si128((const __m128i *)(const void *)high), 1);
#else
    (void)high;
    return (lanes)first;
#endif
}

/* And back: to `to`, and `apart` bytes on. */
static inline void store_parts(uint8_t *to, lanes v, size_t apart)
{
#if defined(__AVX2__)
    _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128((__m256i)v));
    _mm_storeu_si128((__m128i *)(void *)(to + apart), _mm256_extracti128_si256((__m256i)v, 1));
#else
    (void)apart;
    _mm_storeu_si128((__m128i *)(void *)to, (__m128i)v);
#endif
}
#undef V
#endif

/* sum + the products of the 16-bit halves. */
static inline lanes add_products(lanes sum, lanes a, lanes b)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return sum + (lanes)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
    return sum + (lanes)_mm_madd_epi16((__m128i)a, (__m128i)b);
#endif
}

/* LANES pixels, one in each number: red + 256 green + 65536 blue. */
static inline lanes load_pixels(const uint8_t *from)
{
#if defined(__AVX512F__)
    const lanes order = 0x020100 + 0x030303 * (lanes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const __m512i triples = _mm512_maskz_loadu_epi32(0x0fff, from);
    return (lanes)_mm512_maskz_permutexvar_epi8(0x7777777777777777, (__m512i)order, triples);
#elif defined(__AVX2__)
    const __m256i order = _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, /* and from + 8 on */
                                           4, 5, 6, -1, 7, 8, 9, -1, 10, 11, 12, -1, 13, 14, 15, -1);
    return (lanes)_mm256_shuffle_epi8((__m256i)load_parts(from, from + 8), order);
#else
    lanes pixels;
    for (int i = 0; i < LANES; i++, from += 3) pixels[i] = from[0] | from[1] << 8 | from[2] << 16;
    return pixels;
#endif
}

/* The same number of pixels, each colour cut to 0 … 255. Nothing is written behind them, not even masked: a vector that
 * is read from there next would wait for that. */
static inline void store_pixels(uint8_t *to, lanes red, lanes green, lanes blue)
{
    const lanes packed = pack(red, green, blue, blue);
#if defined(__AVX512F__)
#define FOUR_PIXELS(at) at, at + 4, at + 8, at + 1, at + 5, at + 9, at + 2, at + 6, at + 10, at + 3, at + 7, at + 11
    static const uint8_t order[64] = {FOUR_PIXELS(0), FOUR_PIXELS(16), FOUR_PIXELS(32), FOUR_PIXELS(48)};
#undef FOUR_PIXELS
    const __m512i triples = _mm512_permutexvar_epi8(_mm512_loadu_si512(order), (__m512i)packed);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_castsi512_si256(triples));
    _mm_storeu_si128((__m128i *)(void *)(to + 32), _mm512_extracti32x4_epi32(triples, 2));
#elif defined(__AVX2__)
    const __m256i order = _mm256_broadcastsi128_si256(
                      _mm_setr_epi8(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1)),
                  together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    const __m256i triples = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8((__m256i)packed, order), together);
    _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(triples));
    _mm_storel_epi64((__m128i *)(void *)(to + 16), _mm256_extracti128_si256(triples, 1));
#else
    uint8_t b[16];
    memcpy(b, &packed, sizeof b);
    for (int i = 0; i < LANES; i++)
        for (int c = 0; c < 3; c++) to[3 * i + c] = b[4 * c + i];
#endif
}
