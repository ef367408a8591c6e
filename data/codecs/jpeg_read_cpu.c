/* Entropy-coded data (T.81, F.2.2): where time goes. One look into a table gives up to two coefficients with the zeros
 * before them; what is behind a coefficient is not known until its length is, so the loop is as fast as that chain:
 * shift, look, shift. Numbers that a block cannot have are left to libjpeg, which knows what to make of them. */
#include "data/codecs/jpeg_frame.h"

#include "data/base/isa.h"

#include <string.h>

#if defined(__AVX512F__)
enum { GROUP = 4 };
#elif defined(__AVX2__)
enum { GROUP = 2 };
#else
enum { GROUP = 1 };
#endif

/* No k of a good block. */
enum { BAD = 65 };

/* A.3.6, figure A.6: the place of the k-th coefficient in a group of blocks. What is written behind the last one is
 * zero, or damage. */
#define P(row, column) ((row)*8 * GROUP + (column))
static const uint8_t places[64 + JPEG_END] = {
    P(0, 0), P(0, 1), P(1, 0), P(2, 0), P(1, 1), P(0, 2), P(0, 3), P(1, 2),
    P(2, 1), P(3, 0), P(4, 0), P(3, 1), P(2, 2), P(1, 3), P(0, 4), P(0, 5),
    P(1, 4), P(2, 3), P(3, 2), P(4, 1), P(5, 0), P(6, 0), P(5, 1), P(4, 2),
    P(3, 3), P(2, 4), P(1, 5), P(0, 6), P(0, 7), P(1, 6), P(2, 5), P(3, 4),
    P(4, 3), P(5, 2), P(6, 1), P(7, 0), P(7, 1), P(6, 2), P(5, 3), P(4, 4),
    P(3, 5), P(2, 6), P(1, 7), P(2, 7), P(3, 6), P(4, 5), P(5, 4), P(6, 3),
    P(7, 2), P(7, 3), P(6, 4), P(5, 5), P(4, 6), P(3, 7), P(4, 7), P(5, 6),
    P(6, 5), P(7, 4), P(7, 5), P(6, 6), P(5, 7), P(6, 7), P(7, 6), [63 ... 63 + JPEG_END] = P(7, 7)};

/* As in struct jpeg_stream, but that only the low six bits of `count` count. */
struct bits {
    const uint8_t *at;
    uint64_t window;
    uint32_t count;
};

#define INLINE static inline __attribute__((always_inline))

/* At least 56 bits, without asking how many there are. */
INLINE void refill(struct bits *bits)
{
    uint64_t next;
    memcpy(&next, bits->at, sizeof next);
    bits->window |= __builtin_bswap64(next) >> (bits->count & 63);
    bits->at += (~bits->count & 63) >> 3;
    bits->count |= 56;
}

/* As many as the low six bits say. */
INLINE void drop(struct bits *bits, uint32_t count)
{
    bits->window <<= count & 63;
    bits->count -= count;
}

/* A code longer than JPEG_QUICK: length << 8 | symbol; 0: there is no such code. */
static __attribute__((noinline)) int long_code(const struct jpeg_codes *codes, int bits)
{
    for (int length = JPEG_QUICK + 1; length <= 16; length++)
        if (bits < codes->limit[length])
            return length << 8 | codes->value[((bits >> (16 - length)) + codes->offset[length]) & 0xff];
    return 0;
}

/* length << 8 | symbol of the next code; it stays. */
INLINE int next_code(const struct bits *bits, const struct jpeg_codes *codes)
{
    const int quick = codes->quick[bits->window >> (64 - JPEG_QUICK)];
    return quick ? quick : long_code(codes, (int)(bits->window >> 48));
}

/* F.2.2.1: RECEIVE and EXTEND of at most 15 bits behind a code, which stay. */
INLINE int value_behind(const struct bits *bits, int code_length, int size)
{
    const uint64_t window = bits->window << code_length;
    const int missing = (int)~((int64_t)window >> 63) & ((1 << size) - 1);
    return (int)(window >> 1 >> (63 - size)) - missing;
}

/* A coefficient by itself; returns the next place. */
INLINE const uint8_t *read_one(struct bits *bits, const struct jpeg_codes *codes, int16_t *block, const uint8_t *place)
{
    refill(bits);
    const int code = next_code(bits, codes), size = code & 15, zeros = code >> 4 & 15;
    if (size > 10 || code == 0 || (size == 0 && zeros > 0 && zeros < 15)) return places + BAD;
    if (block) block[place[zeros]] = (int16_t)value_behind(bits, code >> 8, size);
    drop(bits, (uint32_t)((code >> 8) + size));
    return place + (size == 0 && zeros == 0 ? JPEG_END : zeros + 1);
}

/* The second is stored first: where there is none it is a zero in the first's place, or behind it. */
INLINE void store_pair(const struct bits *bits, uint32_t pair, int16_t *block, const uint8_t *place,
                       const uint8_t *next)
{
    const int zeros = pair >> 6 & 15;
    if (pair >> 24 & 1) {
        block[place[zeros]] = (int16_t)value_behind(bits, pair >> 10 & 15, pair >> 14 & 15);
    } else {
        block[next[-1]] = (int16_t)((int32_t)(pair << 15) >> 25);
        block[place[zeros]] = (int16_t)((int32_t)(pair << 8) >> 25);
    }
}

/* AC coefficients (F.2.2.2) of a block, or past them where block is NULL. The bits last for two pairs. A pair whose
 * first is the block's last coefficient is not taken, as its second is another block's. */
INLINE bool read_block(struct bits *bits, const struct jpeg_pairs *pairs, int16_t *block)
{
    const uint8_t *place = places + 1, *const end = places + 64;
    while (place < end) {
        refill(bits);
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            const uint32_t pair = pairs->pair[bits->window >> (64 - JPEG_PAIR)];
            const uint8_t *const next = place + (pair >> 25);
            if (__builtin_expect(pair == 0, 0) ||
                __builtin_expect(next > end && place + (pair >> 6 & 15) + 1 >= end, 0)) {
                place = read_one(bits, &pairs->codes, block, place);
                break;
            }
            if (block) store_pair(bits, pair, block, place, next);
            drop(bits, pair);
            place = next;
            if (place >= end) break;
        }
    }
    return place == end || place > places + JPEG_END;
}

/* E.2.4: at a restart marker predictions are zero and bits begin anew. */
static struct bits next_piece(struct jpeg_stream *stream, int64_t restart)
{
    memset(stream->dc, 0, sizeof stream->dc);
    stream->left = restart;
    return (struct bits){.at = stream->bytes + stream->end[stream->piece++]};
}

INLINE bool read_component(struct bits *bits, const struct jpeg_component *component, int *dc, int16_t *to,
                           size_t stride, int column)
{
    bool good = true;
    for (int y = 0; y < component->v; y++)
        for (int x = 0; x < component->h; x++) {
            int16_t *block = NULL;
            refill(bits);
            const int code = next_code(bits, component->dc);
            *dc += value_behind(bits, code >> 8, code & 15);
            drop(bits, (uint32_t)((code >> 8) + (code & 15)));
            good &= code != 0 && *dc == (int16_t)*dc;
            if (to) {
                const int at = column + x;
                block = to + (size_t)y * stride + (size_t)(at / GROUP * GROUP * 64 + at % GROUP * 8);
                block[0] = (int16_t)*dc;
                good &= read_block(bits, component->ac, block);
            } else {
                good &= read_block(bits, component->ac, NULL);
            }
        }
    return good;
}

bool ISA_NAME(jpeg_read)(struct jpeg_stream *stream, const struct jpeg_frame *frame, int16_t *const coefficient[3],
                         const size_t stride[3], int from, int to)
{
    struct bits bits = {stream->at, stream->window, (uint32_t)stream->count};
    bool good = true;
    for (int mcu = 0; good && mcu < frame->mcus_across; mcu++) {
        if (stream->left == 0) bits = next_piece(stream, frame->restart);
        stream->left--;
        const bool kept = mcu >= from && mcu < to;
        for (int c = 0; c < frame->components; c++) {
            const struct jpeg_component *component = &frame->component[c];
            good &= read_component(&bits, component, &stream->dc[c], kept ? coefficient[c] : NULL, stride[c],
                                   (mcu - from) * component->h);
        }
        good &= (bits.at - (stream->bytes + stream->end[stream->piece])) * 8 <= (int)(bits.count & 63);
    }
    stream->at = bits.at;
    stream->window = bits.window;
    stream->count = (int)(bits.count & 63);
    return good;
}
