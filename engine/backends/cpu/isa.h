/* One source, three instruction sets: files ending in _cpu.c are compiled with LATHE_ISA = avx512, avx2 and baseline,
 * and ISA_NAME makes their names differ. `vec` holds VEC floats; arithmetic is the compiler's vector extension, so the
 * same code serves all. Included by *_cpu.c only. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#define ISA_JOIN2(name, isa) name##_##isa
#define ISA_JOIN(name, isa)  ISA_JOIN2(name, isa)
#define ISA_NAME(name)       ISA_JOIN(name, LATHE_ISA)

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

/* Is a result of rows of so many floats, so many bytes in all, one to stream? */
static inline bool vec_streams(const void *to, int64_t row, int64_t bytes)
{
    enum { LARGE = 16 << 20 };
    return bytes > LARGE && row % VEC == 0 && (uintptr_t)to % sizeof(vec) == 0;
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

/* Short runs of floats, for which a call of memcpy or memset costs more than it does. */
static inline void vec_copy_floats(float *to, const float *from, int64_t count)
{
    int64_t i = 0;
    for (; i + VEC <= count; i += VEC) vec_store(to + i, vec_load(from + i));
    if (i < count) vec_store_some(to + i, vec_load_some(from + i, count - i), count - i);
}

static inline void vec_zero_floats(float *to, int64_t count)
{
    int64_t i = 0;
    for (; i + VEC <= count; i += VEC) vec_store(to + i, (vec){0});
    if (i < count) vec_store_some(to + i, (vec){0}, count - i);
}

/* exp(x) to about 2 ulp (Cephes' expf): NaN stays, overflow gives inf, below -87 it is 0 or denormal-free near it. */
static inline vec vec_exp(vec x)
{
    const vec low = vec_set(-87.3f), high = vec_set(88.7f),
              magic = vec_set(12582912.0f); /* 1.5 * 2^23: rounds to integer */
    ivec too_low = x<low, too_high = x> high;
    vec cut = (vec)(((ivec)low & too_low) | ((ivec)x & ~too_low));
    cut = (vec)(((ivec)high & too_high) | ((ivec)cut & ~too_high));
    vec n = (cut * vec_set(1.44269504088896341f) + magic) - magic;
    vec r = cut - n * vec_set(0.693359375f) - n * vec_set(-2.12194440e-4f);
    vec p = vec_set(1.9875691500e-4f);
    p = p * r + vec_set(1.3981999507e-3f);
    p = p * r + vec_set(8.3334519073e-3f);
    p = p * r + vec_set(4.1665795894e-2f);
    p = p * r + vec_set(1.6666665459e-1f);
    p = p * r + vec_set(5.0000001201e-1f);
    p = p * r * r + r + vec_set(1.0f);
    ivec finite = n == n; /* false for NaN, whose conversion is undefined; NOLINT(misc-redundant-expression) */
    vec whole = (vec)((ivec)n & finite);
    ivec exponent = __builtin_convertvector(whole, ivec);
    return p * (vec)((exponent + 127) << 23);
}

/* 1 / (1 + exp(-x)) */
static inline vec vec_sigmoid(vec x)
{
    return vec_set(1.0f) / (vec_set(1.0f) + vec_exp(-x));
}
