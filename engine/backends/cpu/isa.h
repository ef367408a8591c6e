/* One source, several instruction sets, two precisions: files ending in _cpu.c are compiled with LATHE_ISA = avx512,
 * avx2 and baseline, where activations are floats, and avx512_bf16, avx2_bf16 and baseline_bf16, where they are
 * bfloat16 (LATHE_BF16), and those that multiply matrices as amx_bf16; ISA_NAME makes their names differ. `vec` holds
 * VEC floats; arithmetic is the compiler's vector extension, so the same code serves all. An `element` is what
 * activations and their gradients are stored as; everything is computed in float, and parameters, their gradients and
 * statistics are float in both. Included by *_cpu.c only. Thread: any. */
#pragma once

#include "data/base/isa.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { VEC = 16 };
#elif defined(__AVX__)
enum { VEC = 8 };
#else
enum { VEC = 4 };
#endif

typedef float vec __attribute__((vector_size(VEC * sizeof(float))));
typedef int32_t ivec __attribute__((vector_size(VEC * sizeof(int32_t))));

static inline vec vec_load(const float *from)
{
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void vec_store(float *to, vec v)
{
    memcpy(to, &v, sizeof v);
}

/* Stores past the caches, for results so large that they would not be there when they are read: nothing is loaded only
 * to be overwritten. `to` is aligned to a vector; vec_stream_end before another thread may read. */
#if defined(__AVX512F__)
static inline void vec_stream(float *to, vec v)
{
    _mm512_stream_ps(to, (__m512)v);
}
#elif defined(__AVX__)
static inline void vec_stream(float *to, vec v)
{
    _mm256_stream_ps(to, (__m256)v);
}
#else
static inline void vec_stream(float *to, vec v)
{
    vec_store(to, v);
}
#endif

static inline void vec_stream_end(void)
{
    __builtin_ia32_sfence();
}

static inline vec vec_set(float x)
{
    return x - (vec){0};
}

/* The first `count` <= VEC floats, the rest 0; a constant VEC costs no more than vec_load. */
#if defined(__AVX512F__)
static inline __attribute__((always_inline)) vec vec_load_some(const float *from, int64_t count)
{
    if (count == VEC) return vec_load(from);
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
}

static inline __attribute__((always_inline)) void vec_store_some(float *to, vec v, int64_t count)
{
    if (count == VEC)
        vec_store(to, v);
    else
        _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)v);
}
#else
static inline __attribute__((always_inline)) vec vec_load_some(const float *from, int64_t count)
{
    vec v = {0};
    memcpy(&v, from, (size_t)count * sizeof(float));
    return v;
}

static inline __attribute__((always_inline)) void vec_store_some(float *to, vec v, int64_t count)
{
    memcpy(to, &v, (size_t)count * sizeof(float));
}
#endif

/* VEC rows of as many become columns. */
#if defined(__AVX512F__)
static inline void vec_transpose(vec rows[VEC])
{
    __m512i r[16], t[16];
    memcpy(r, rows, sizeof r);
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
    memcpy(rows, t, sizeof t);
}
#elif defined(__AVX2__)
static inline void vec_transpose(vec rows[VEC])
{
    __m256 r[8], t[8];
    memcpy(r, rows, sizeof r);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) { /* r[i + k]: of rows i … i + 3 the columns k and 4 + k */
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x20);
        t[4 + i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x31);
    }
    memcpy(rows, t, sizeof t);
}
#else
static inline void vec_transpose(vec rows[VEC])
{
    vec columns[VEC];
    for (int i = 0; i < VEC; i++)
        for (int j = 0; j < VEC; j++) columns[j][i] = rows[i][j];
    memcpy(rows, columns, sizeof columns);
}
#endif

/* ---- bfloat16: the upper half of a float, rounded to nearest, ties to even ---- */

typedef uint16_t bf16;
typedef uint16_t bf16vec __attribute__((vector_size(VEC * sizeof(bf16))));
typedef uint32_t uvec __attribute__((vector_size(VEC * sizeof(uint32_t))));

static inline float bf16_value(bf16 x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline bf16 bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (bf16)(bits >> 16 | 0x40);
    return (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline uvec bf16_bits(bf16vec half)
{
#if defined(__AVX512F__)
    return (uvec)_mm512_cvtepu16_epi32((__m256i)half); /* for __builtin_convertvector gcc takes three instructions */
#elif defined(__AVX2__)
    return (uvec)_mm256_cvtepu16_epi32((__m128i)half); /* and here five */
#else
    return __builtin_convertvector(half, uvec);
#endif
}

static inline vec bf16_widen(bf16vec half)
{
    return (vec)(bf16_bits(half) << 16);
}

static inline bf16vec bf16_narrow(vec x)
{
#if defined(__AVX512BF16__)
    return (bf16vec)_mm512_cvtneps_pbh((__m512)x);
#else
    const uvec bits = (uvec)x, rounded = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000;
    const uvec nan = (uvec)(x != x); /* NOLINT(misc-redundant-expression) */
#if defined(__AVX2__) && !defined(__AVX512F__)
    const __m256 chosen = _mm256_blendv_ps((__m256)rounded, (__m256)quiet, (__m256)nan);
    const __m256i half = _mm256_srli_epi32((__m256i)chosen, 16);
    return (bf16vec)_mm_packus_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
#else
    return __builtin_convertvector(((quiet & nan) | (rounded & ~nan)) >> 16, bf16vec);
#endif
#endif
}

#if defined(__AVX512F__)
static inline __attribute__((always_inline)) bf16vec bf16_load_some(const bf16 *from, int64_t count)
{
    return (bf16vec)_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), from);
}

static inline __attribute__((always_inline)) void bf16_store_some(bf16 *to, bf16vec half, int64_t count)
{
    _mm256_mask_storeu_epi16(to, (__mmask16)((1u << count) - 1), (__m256i)half);
}
#else
static inline __attribute__((always_inline)) bf16vec bf16_load_some(const bf16 *from, int64_t count)
{
    bf16vec half = {0};
    memcpy(&half, from, (size_t)count * sizeof *from);
    return half;
}

static inline __attribute__((always_inline)) void bf16_store_some(bf16 *to, bf16vec half, int64_t count)
{
    memcpy(to, &half, (size_t)count * sizeof *to);
}
#endif

/* ---- elements ---- */

#if defined(LATHE_BF16)
typedef bf16 element;

static inline float element_value(element x)
{
    return bf16_value(x);
}

static inline element element_of(float x)
{
    return bf16_of(x);
}

static inline vec element_load(const element *from)
{
    bf16vec half;
    memcpy(&half, from, sizeof half);
    return bf16_widen(half);
}

/* One element in all places. */
static inline vec element_spread(const element *from)
{
#if defined(__AVX2__) && !defined(__AVX512F__)
    int16_t bits;
    memcpy(&bits, from, sizeof bits);
    return (vec)_mm256_slli_epi32(_mm256_set1_epi16(bits), 16); /* a float would be made outside the vectors */
#else
    return vec_set(bf16_value(*from));
#endif
}

static inline void element_store(element *to, vec v)
{
    const bf16vec half = bf16_narrow(v);
    memcpy(to, &half, sizeof half);
}

static inline __attribute__((always_inline)) vec element_load_some(const element *from, int64_t count)
{
    return count == VEC ? element_load(from) : bf16_widen(bf16_load_some(from, count));
}

static inline __attribute__((always_inline)) void element_store_some(element *to, vec v, int64_t count)
{
    if (count == VEC)
        element_store(to, v);
    else
        bf16_store_some(to, bf16_narrow(v), count);
}

static inline void element_stream(element *to, vec v)
{
#if defined(__AVX512F__)
    _mm256_stream_si256((__m256i *)(void *)to, (__m256i)bf16_narrow(v));
#else
    element_store(to, v);
#endif
}

#else
typedef float element;

static inline float element_value(element x)
{
    return x;
}

static inline element element_of(float x)
{
    return x;
}

static inline vec element_load(const element *from)
{
    return vec_load(from);
}

static inline vec element_spread(const element *from)
{
    return vec_set(*from);
}

static inline void element_store(element *to, vec v)
{
    vec_store(to, v);
}

static inline __attribute__((always_inline)) vec element_load_some(const element *from, int64_t count)
{
    return vec_load_some(from, count);
}

static inline __attribute__((always_inline)) void element_store_some(element *to, vec v, int64_t count)
{
    vec_store_some(to, v, count);
}

static inline void element_stream(element *to, vec v)
{
    vec_stream(to, v);
}
#endif

/* Is a result of `rows` rows of `columns` elements that lie `row` apart one to stream? */
static inline bool element_streams(const element *to, int64_t row, int64_t rows, int64_t columns)
{
    enum { LARGE = 16 << 20 };
    const int64_t bytes = rows * row * (int64_t)sizeof *to;
    return bytes > LARGE && row % VEC == 0 && columns % VEC == 0 && (uintptr_t)to % (VEC * sizeof *to) == 0;
}

/* element_load_some for a pass that reads memory from the first element to the last; asks for what it will want soon,
 * since a processor's own reading ahead ends with each page. Inlined in any case: the compiler drops calls of functions
 * that only ask. */
static inline __attribute__((always_inline)) vec element_read_some(const element *from, int64_t count)
{
    enum { AHEAD = 2048 };
    __builtin_prefetch((const char *)from + AHEAD);
    return element_load_some(from, count);
}

/* Short runs, for which a call of memcpy or memset costs more than it does; the last vector of one may lie over the one
 * before. */
static inline void element_copy(element *to, const element *from, int64_t count)
{
    typedef element run __attribute__((vector_size(VEC * sizeof(element))));
    if (count < VEC) {
        element_store_some(to, element_load_some(from, count), count);
        return;
    }
    for (int64_t i = 0; i < count; i += VEC) {
        const int64_t at = i + VEC <= count ? i : count - VEC;
        run part;
        memcpy(&part, from + at, sizeof part);
        memcpy(to + at, &part, sizeof part);
    }
}

static inline void element_zero(element *to, int64_t count)
{
    if (count < VEC) {
        element_store_some(to, (vec){0}, count);
        return;
    }
    for (int64_t i = 0; i < count; i += VEC) element_store(to + (i + VEC <= count ? i : count - VEC), (vec){0});
}

/* Calls `body(k, count)` for k = 0, VEC, … below n; count is the constant VEC but for the last. */
#define EACH_VECTOR(n, body)                                                                                           \
    do {                                                                                                               \
        int64_t each_k = 0;                                                                                            \
        for (; each_k + VEC <= (n); each_k += VEC) body(each_k, VEC);                                                  \
        if (each_k < (n)) body(each_k, (n)-each_k);                                                                    \
    } while (0)

/* ---- functions ---- */

/* exp(r) to about 1 ulp where |r| <= ln(2) / 2 (Cephes' expf). */
static inline vec vec_exp_near_zero(vec r)
{
    vec p = vec_set(1.9875691500e-4f);
    p = p * r + vec_set(1.3981999507e-3f);
    p = p * r + vec_set(8.3334519073e-3f);
    p = p * r + vec_set(4.1665795894e-2f);
    p = p * r + vec_set(1.6666665459e-1f);
    p = p * r + vec_set(5.0000001201e-1f);
    return p * r * r + r + vec_set(1.0f);
}

/* x cut off to low … high; NaN stays: min and max give their second operand where one is NaN. */
static inline vec vec_clamp(vec x, float low, float high)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), (__m512)x));
#elif defined(__AVX__)
    return (vec)_mm256_max_ps(_mm256_set1_ps(low), _mm256_min_ps(_mm256_set1_ps(high), (__m256)x));
#else
    return (vec)_mm_max_ps(_mm_set1_ps(low), _mm_min_ps(_mm_set1_ps(high), (__m128)x));
#endif
}

/* p 2^n, n whole, p normal; NaN stays if it is p's. A result that is not normal is exact with AVX-512, else only tiny.
 */
static inline vec vec_scale(vec p, vec n)
{
#if defined(__AVX512F__)
    return (vec)_mm512_scalef_ps((__m512)p, (__m512)n);
#elif defined(__AVX__)
    return (vec)((ivec)p + ((ivec)_mm256_cvtps_epi32((__m256)n) << 23));
#else
    return (vec)((ivec)p + ((ivec)_mm_cvtps_epi32((__m128)n) << 23));
#endif
}

/* The nearest whole number, where |x| < 2^22. */
static inline vec vec_round(vec x)
{
    const vec magic = vec_set(12582912.0f); /* 1.5 * 2^23 */
    return (x + magic) - magic;
}

/* exp(x) to about 2 ulp: NaN stays; where the result is no normal number it is cut off to 0, to inf or to the nearest
 * one. */
static inline vec vec_exp(vec x)
{
#if defined(__AVX512F__)
    const vec cut = vec_clamp(x, -104, 104);
#else
    const vec cut = vec_clamp(x, -87.3f, 88.72f);
#endif
    const vec n = vec_round(cut * vec_set(1.44269504088896341f));
    const vec r = cut - n * vec_set(0.693359375f) - n * vec_set(-2.12194440e-4f);
    return vec_scale(vec_exp_near_zero(r), n);
}

#if defined(LATHE_BF16) && defined(__AVX512F__)
/* 1 / (1 + exp(-x)) to 2^-13: bfloat16 keeps 2^-9 of it. exp(-x) is 2^t, of the part of t behind the point by a
 * polynomial. */
static inline vec vec_sigmoid(vec x)
{
    const vec t = x * vec_set(-1.44269504088896341f),
              f = (vec)_mm512_reduce_ps((__m512)t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    vec p = vec_set(1.3520603e-2f);
    p = p * f + vec_set(5.2037429e-2f);
    p = p * f + vec_set(2.4142749e-1f);
    p = p * f + vec_set(6.9300662e-1f);
    p = p * f + vec_set(1.0000025f);
    return (vec)_mm512_rcp14_ps((__m512)(vec_set(1) + (vec)_mm512_scalef_ps((__m512)p, (__m512)t)));
}
#elif defined(__FMA__)
/* 1 / (1 + exp(-x)) to 3e-7 of it where |x| < 10: exp(-x) is 2^n 2^f, n whole and |f| <= 1/2, 2^f by a polynomial. */
static inline vec vec_sigmoid(vec x)
{
    const vec cut = vec_clamp(x, -87, 87), log2_e = vec_set(1.44269504088896341f);
    const vec n = vec_round(-cut * log2_e), f = -cut * log2_e - n; /* the product is not rounded */
    const vec square = f * f, high = vec_set(1.3276472e-3f) * f + vec_set(9.6755415e-3f),
              middle = vec_set(5.5507133e-2f) * f + vec_set(2.4022120e-1f),
              low = vec_set(6.9314697e-1f) * f + vec_set(1.0000001f);
    const vec p = (high * square + middle) * square + low;
    const vec d = vec_set(1) + vec_scale(p, n);
#if defined(__AVX512F__)
    const vec y = (vec)_mm512_rcp14_ps((__m512)d);
    return y * (vec_set(2) - d * y); /* a step of Newton's */
#else
    return vec_set(1) / d;
#endif
}
#else
/* 1 / (1 + exp(-x)) */
static inline vec vec_sigmoid(vec x)
{
    return vec_set(1.0f) / (vec_set(1.0f) + vec_exp(-x));
}
#endif
