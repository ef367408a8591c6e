/* Any bytes as a picture: decoded whole within the limit, or refused with a sentence; a JPEG as libjpeg would. */
#include "data/codecs/jpeg.h"

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

/* A part that the file's last bytes choose, and the whole: the same pixels, or the same complaint. */
static void compare_with_library(const uint8_t *bytes, size_t length, int height, int width)
{
    static struct picture one, other;
    const int a = bytes[length - 1], b = bytes[length / 2], top = height * a / 512, left = width * b / 512;
    const struct box parts[2] = {{0, 0, height, width},
                                 {top, left, 1 + (height - top - 1) * b / 256, 1 + (width - left - 1) * a / 256}};
    for (int i = 0; i < 2; i++) {
        char said[256] = "";
        const enum lt_err err = jpeg_decode_by_library(&one, bytes, length, parts[i]);
        if (err != LT_OK) strncpy(said, lt_message(), sizeof said - 1);
        if (codec_jpeg.decode(&other, bytes, length, parts[i]) != err) abort();
        if (err != LT_OK && strncmp(said, lt_message(), sizeof said - 1) != 0) abort();
        if (err == LT_OK && memcmp(one.rgb, other.rgb, (size_t)parts[i].height * (size_t)parts[i].width * 3) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    enum { LIMIT = 1 << 20 };
    static struct picture picture; /* kept, as a loader's worker keeps it */
    int height, width;
    if (codec_jpeg.matches(bytes, length) && picture_size(&height, &width, bytes, length, LIMIT) == LT_OK)
        compare_with_library(bytes, length, height, width);
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
