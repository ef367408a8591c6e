/* What the sequential JPEG decoder (jpeg_sequential.h) works on: one baseline frame whose components are interleaved in
 * one scan (ITU T.81, A.2.3), its tables, and the state of its entropy-coded data. Clauses are those of T.81.
 * Implementers' header. Thread: any; a frame and a stream belong to one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* QUICK: bits that find a short code. PAIR: bits that find one coefficient or two, codes and values together. */
enum { JPEG_QUICK = 9, JPEG_PAIR = 12 };

/* What the end of a block adds to the number of its coefficient: more than any zeros before a last one can reach, so
 * that a good block ends at 64 or behind JPEG_END. */
enum { JPEG_END = 80 };

/* A Huffman table: as the file has it, and as it is looked up. */
struct jpeg_codes {
    uint8_t bits[17], value[256];    /* B.2.4.2: BITS (of 1 … 16) and HUFFVAL */
    uint16_t quick[1 << JPEG_QUICK]; /* length << 8 | symbol of the code that the bits begin with; 0: it is longer */
    int32_t limit[17];               /* 16 bits that are less begin with a code of so many bits or fewer */
    int32_t offset[17];              /* from a code of so many bits to its place in `value` */
};

/* A table of AC coefficients. What JPEG_PAIR bits begin with, one coefficient and maybe a second one, from low to high:
 * length of both, codes and values (6 bits), zeros before the first (4), the second's value (7; 0 without one), the
 * first's (7), 0 (1), coefficients of both with their zeros, or JPEG_END more (7). Or a code alone, whose value is too
 * long: length of both and zeros, length of the code (4), of the value (10), 1 (1), zeros + 1 (7). 0: the code is
 * longer, or wrong. */
struct jpeg_pairs {
    struct jpeg_codes codes;
    uint32_t pair[1 << JPEG_PAIR];
};

/* Builds a table unless it is there already; false: this is no table for a frame of 8 bits a sample. */
bool jpeg_codes_set(struct jpeg_codes *self, const uint8_t bits[17], const uint8_t value[256]);
bool jpeg_pairs_set(struct jpeg_pairs *self, const uint8_t bits[17], const uint8_t value[256]);

struct jpeg_component {
    int h, v;           /* blocks in an MCU across and down */
    int across, down;   /* the size of a sample, in pixels of the picture */
    int width, height;  /* in samples */
    uint16_t quant[64]; /* row by row */
    const struct jpeg_codes *dc;
    const struct jpeg_pairs *ac;
};

struct jpeg_frame {
    int components; /* 1: gray, 3: luma and chroma */
    struct jpeg_component component[3];
    int width, height;
    int h, v; /* the size of an MCU in blocks, and so in 8 pixels */
    int mcus_across, mcus_down;
    int64_t restart; /* MCUs between restart markers; 0: none */
};

/* Entropy-coded data without stuffed zeros and markers, and JPEG_STREAM_PAD zeros behind it. */
enum { JPEG_STREAM_PAD = 8192 };

struct jpeg_stream {
    const uint8_t *at; /* the next byte that is not in `window` */
    uint64_t window;   /* the next bits, the first one on top; below `count` of them, anything that follows */
    int count;
    const uint8_t *bytes;
    const uint32_t *end; /* where each piece between restart markers ends, counted from `bytes` */
    size_t piece;        /* that is read */
    int64_t left;        /* MCUs of the piece */
    int dc[3];           /* F.2.1.3.1: predictions */
};

/* The inner loops, one table for each instruction set, all of them exact: the same bytes as libjpeg-turbo's.
 * `group` blocks lie side by side in memory: coefficients [group of blocks][8 rows][group][8 columns]. */
struct jpeg_kernels {
    int group;
    /* Reads a row of MCUs; stores coefficients of the MCUs from … to - 1 and passes over the others. coefficient[c]:
     * the first of the component's `v` rows of blocks, `stride[c]` numbers apart; zeros before. False: the data are
     * damaged, or unusual. */
    bool (*read)(struct jpeg_stream *stream, const struct jpeg_frame *frame, int16_t *const coefficient[3],
                 const size_t stride[3], int from, int to);
    /* Samples of so many groups of blocks, side by side; makes the coefficients zero. False: they are too large for
     * libjpeg's arithmetic to be followed. */
    bool (*invert)(uint8_t *to, size_t stride, int16_t *coefficient, const uint16_t quant[64], int groups);
    /* sum = 3 near + far; or sum = row. */
    void (*sum_rows)(uint16_t *sum, const uint8_t *near, const uint8_t *far, int count);
    void (*sum_row)(uint16_t *sum, const uint8_t *row, int count);
    /* to[2i] = (3 sum[i] + sum[i-1] + even) >> shift, to[2i+1] = (3 sum[i] + sum[i+1] + odd) >> shift. */
    void (*spread)(uint8_t *to, const uint16_t *sum, int count, int even, int odd, int shift);
    /* to = (3 near + far + bias) >> 2. */
    void (*blend)(uint8_t *to, const uint8_t *near, const uint8_t *far, int count, int bias);
    /* A row of `count` means of `by` x `by` samples, by = 2, 4 or 8; `to` may be `from`. */
    void (*shrink)(uint8_t *to, const uint8_t *from, size_t stride, int count, int by);
    /* RGB of JFIF's Y, Cb and Cr. */
    void (*colour)(uint8_t *rgb, const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int pixels);
};

/* Bytes that kernels may read or write beyond `count`, except beyond `rgb`. */
enum { JPEG_SLACK = 128 };

/* `read` of each table: a file of its own. */
#define JPEG_READ(isa)                                                                                                 \
    bool jpeg_read_##isa(struct jpeg_stream *stream, const struct jpeg_frame *frame, int16_t *const coefficient[3],    \
                         const size_t stride[3], int from, int to);
JPEG_READ(avx512)
JPEG_READ(avx2)
JPEG_READ(baseline)
#undef JPEG_READ
