/* Huffman tables for looking up (T.81, C.2 and F.2.2.3). */
#include "data/codecs/jpeg_frame.h"

#include <string.h>

enum { END_OF_BLOCK = 0x00, ZEROS = 0xf0, DC_MAX = 11, AC_MAX = 10, SHORT_MAX = 6 };

static bool is_same(const struct jpeg_codes *self, const uint8_t bits[17], const uint8_t value[256])
{
    return self->limit[16] > 0 && memcmp(self->bits + 1, bits + 1, 16) == 0 && memcmp(self->value, value, 256) == 0;
}

/* Codes of one length follow each other; those of the next begin at twice the number that follows. limit[16] is 0 where
 * there is no table. */
static bool set_codes(struct jpeg_codes *self, const uint8_t bits[17], const uint8_t value[256])
{
    int code = 0, at = 0;
    *self = (struct jpeg_codes){0};
    for (int length = 1; length <= 16; length++, code <<= 1) {
        self->offset[length] = at - code;
        if (at + bits[length] > 256 || code + bits[length] > 1 << length) return false;
        for (int i = 0; i < bits[length]; i++, code++, at++) {
            if (length > JPEG_QUICK) continue;
            const int spare = JPEG_QUICK - length;
            for (int rest = 0; rest < 1 << spare; rest++)
                self->quick[code << spare | rest] = (uint16_t)(length << 8 | value[at]);
        }
        self->limit[length] = code << (16 - length);
    }
    memcpy(self->bits, bits, sizeof self->bits);
    memcpy(self->value, value, sizeof self->value);
    return at > 0;
}

bool jpeg_codes_set(struct jpeg_codes *self, const uint8_t bits[17], const uint8_t value[256])
{
    int count = 0;
    for (int length = 1; length <= 16; length++) count += bits[length];
    for (int i = 0; i < count && i < 256; i++)
        if (value[i] > DC_MAX) return false;
    return is_same(self, bits, value) || set_codes(self, bits, value);
}

/* ---- pairs ---- */

/* One coefficient, or the end; length 0: none. */
struct single {
    int8_t length, zeros, total, value, size;
    bool is_long; /* the value is not there */
};

/* F.2.2.1, figure F.12: EXTEND. */
static int extend(int bits, int size)
{
    return size > 0 && bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/* Every value that can follow a code, where both fit. */
static void set_singles(struct single *single, int code, int length, int symbol)
{
    const int size = symbol & 15, zeros = symbol >> 4;
    const bool is_end = symbol == END_OF_BLOCK, is_long = length + size > JPEG_PAIR || size > SHORT_MAX;
    const int shown = is_long ? 0 : size, spare = JPEG_PAIR - length - shown;
    if (size > AC_MAX || (size == 0 && !is_end && symbol != ZEROS)) return;
    for (int bits = 0; bits < 1 << shown; bits++) {
        struct single *to = single + ((code << shown | bits) << spare);
        for (int rest = 0; rest < 1 << spare; rest++)
            to[rest] = (struct single){.length = (int8_t)(length + size),
                                       .zeros = (int8_t)zeros,
                                       .total = (int8_t)(is_end ? JPEG_END : zeros + 1),
                                       .value = (int8_t)extend(bits, shown),
                                       .size = (int8_t)size,
                                       .is_long = is_long};
    }
}

/* The second one belongs to it where its bits are there too. */
static uint32_t join(const struct single *single, int bits)
{
    const struct single first = single[bits];
    struct single second = {0};
    if (first.length == 0) return 0;
    if (first.is_long)
        return (uint32_t)first.length | (uint32_t)first.zeros << 6 | (uint32_t)(first.length - first.size) << 10 |
               (uint32_t)first.size << 14 | 1u << 24 | (uint32_t)first.total << 25;
    if (first.total != JPEG_END) second = single[(bits << first.length) & ((1 << JPEG_PAIR) - 1)];
    if (first.length + second.length > JPEG_PAIR) second = (struct single){0};
    return (uint32_t)(first.length + second.length) | (uint32_t)first.zeros << 6 |
           ((uint32_t)second.value & 127) << 10 | ((uint32_t)first.value & 127) << 17 |
           (uint32_t)(first.total + second.total) << 25;
}

bool jpeg_pairs_set(struct jpeg_pairs *self, const uint8_t bits[17], const uint8_t value[256])
{
    if (is_same(&self->codes, bits, value)) return true;
    if (!set_codes(&self->codes, bits, value)) return false;
    struct single single[1 << JPEG_PAIR] = {0};
    int code = 0, at = 0;
    for (int length = 1; length <= JPEG_PAIR; length++, code <<= 1)
        for (int i = 0; i < bits[length]; i++, code++, at++) set_singles(single, code, length, value[at]);
    for (int i = 0; i < 1 << JPEG_PAIR; i++) self->pair[i] = join(single, i);
    return true;
}
