/* Any bytes as a picture: decoded whole within the limit, or refused with a sentence. */
#include "data/codecs/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* The middle of a good picture, in planes, where it has any. */
static void decode_planes(const uint8_t *bytes, size_t length, int height, int width)
{
    static struct planes planes;
    const struct box part = {height / 4, width / 4, (height + 1) / 2, (width + 1) / 2};
    if (picture_decode_planes(&planes, bytes, length, part, 1 + height / 40, 1 + width / 40) != LT_OK) {
        if (lt_message()[0] == 0) abort();
    } else if (planes.plane[0].pixels) {
        for (int i = 0; i < 3; i++) {
            const struct plane *plane = &planes.plane[i];
            uint8_t sum = 0;
            for (int y = 0; y < plane->height; y++)
                for (int x = 0; x < plane->width; x++) sum ^= plane->pixels[(size_t)y * plane->stride + (size_t)x];
            if (sum == 1 && (plane->width < 1 || plane->height < 1)) abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    enum { LIMIT = 1 << 20 };
    static struct picture picture; /* kept, as a loader's worker keeps it */
    if (picture_decode(&picture, bytes, length, LIMIT) == LT_OK) {
        if (picture.width < 1 || picture.height < 1 || (int64_t)picture.width * picture.height > LIMIT) abort();
        uint8_t sum = 0;
        for (int64_t i = 0; i < (int64_t)picture.width * picture.height * 3; i++) sum ^= picture.rgb[i];
        if (sum == 1 && picture.capacity == 0) abort();
        decode_planes(bytes, length, picture.height, picture.width);
    } else if (lt_message()[0] == 0) {
        abort();
    }
    return 0;
}
