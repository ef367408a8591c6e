#include "data/base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four characters of up to three bytes. */
static void encode(char four[4], const uint8_t *byte, size_t left)
{
    uint32_t three = (uint32_t)byte[0] << 16;
    if (left > 1) three |= (uint32_t)byte[1] << 8;
    if (left > 2) three |= byte[2];
    four[0] = digits[three >> 18];
    four[1] = digits[three >> 12 & 63];
    four[2] = left > 1 ? digits[three >> 6 & 63] : '=';
    four[3] = left > 2 ? digits[three & 63] : '=';
}

void base64_add(struct text *out, const void *bytes, size_t length)
{
    char block[4096];
    size_t used = 0;
    for (size_t i = 0; i < length; i += 3, used += 4) {
        if (used == sizeof block) text_add_bytes(out, block, used), used = 0;
        encode(block + used, (const uint8_t *)bytes + i, length - i);
    }
    text_add_bytes(out, block, used);
}

/* The value of a character; 64: of none. */
static uint32_t value_of(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (uint32_t)(at - digits) : 64;
}

bool base64_read(uint8_t *bytes, size_t length, const char *text)
{
    if (strlen(text) != (length + 2) / 3 * 4) return false;
    for (size_t i = 0; i < length; i += 3, text += 4) {
        const size_t left = length - i < 3 ? length - i : 3;
        uint32_t three = 0;
        for (size_t k = 0; k < 4; k++) {
            const uint32_t value = k <= left ? value_of(text[k]) : text[k] == '=' ? 0 : 64;
            if (value == 64) return false;
            three |= value << (18 - 6 * k);
        }
        for (size_t k = 0; k < left; k++) bytes[i + k] = (uint8_t)(three >> (16 - 8 * k));
    }
    return true;
}
