/* The inner loops of transforms, one table for each instruction set, all of them exact: the same bytes. Implementers'
 * header. Thread: any; pure functions on the caller's memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* For `count` outputs of one axis: where each begins to read (counted from the first element at hand), how many
 * elements it reads (at least one), and with which weights, as 22-bit fixed point: 0 … 2^22, which is also their
 * sum, but for rounding. */
struct filter {
    const int32_t *weight; /* [count, taps] */
    const int *bound;      /* [count, 2]: first, number */
    int taps, count;
};

enum { FILTER_PRECISION = 22 };

struct pixel_kernels {
    /* Bytes of scratch that the two below want, for rows of so many pixels in. */
    size_t (*scratch)(int width, const struct filter *filter);
    /* out [rows, filter.count, channels] of in [rows, width, channels], `stride` bytes from row to row; 1 or 3
     * channels. */
    void (*horizontal)(uint8_t *out, const uint8_t *in, size_t stride, int width, int rows, int channels,
                       const struct filter *filter, void *scratch);
    /* out [filter.count, bytes] of in [rows, bytes]. */
    void (*vertical)(uint8_t *out, const uint8_t *in, size_t stride, size_t bytes, const struct filter *filter,
                     void *scratch);
    /* The sum of the lumas of so many pixels: (19595 R + 38470 G + 7471 B + 32768) >> 16. */
    int64_t (*luma_sum)(const uint8_t *pixels, size_t count);
    /* to = base + factor (from - base) in float32, cut to 0 … 255 and to a whole number; or base = each pixel's luma.
     */
    void (*blend)(uint8_t *to, const uint8_t *from, size_t bytes, int base, float factor);
    void (*blend_luma)(uint8_t *to, const uint8_t *from, size_t pixels, float factor);
    /* The pixels in the opposite order; `to` is other memory. */
    void (*mirror)(uint8_t *to, const uint8_t *from, size_t pixels);
    /* RGB of JFIF's Y, Cb and Cr (JFIF 1.02: full range, ITU-R BT.601), rounded. */
    void (*merge)(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t pixels);
};

/* The table of the processor's instruction set (data/base/isa.h; the least one where LATHE_ISA is wrong, which opening
 * a device reports). AVX-512 counts where it has products and permutations of bytes (VNNI and VBMI: Ice Lake, Zen 4 and
 * later); elsewhere AVX2 is as fast. */
const struct pixel_kernels *pixel_kernels(void);
