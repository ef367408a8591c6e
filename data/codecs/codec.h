/* From the bytes of a picture file to RGB, the same pixels as Pillow's Image.open(f).convert("RGB"). The format is
 * found by content, not by name. Nothing is trusted: sizes are checked before memory is taken, data errors that
 * libraries only warn about are errors. Thread: any; a picture belongs to one. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pillow's limit (DecompressionBombError): twice MAX_IMAGE_PIXELS. */
#define PICTURE_MAX_PIXELS 178956970

/* A decoded picture; the memory is kept for the next one. Zero-initialised is releasable. */
struct picture {
    uint8_t *rgb; /* [height, width, 3] */
    int width, height;
    size_t capacity; /* bytes of rgb */
};
void picture_release(struct picture *self);

/* Decodes a whole file in memory. Messages say what is wrong, not in which file: the caller adds that (lt_fail_in). */
enum lt_err picture_decode(struct picture *self, const uint8_t *bytes, size_t length, int64_t max_pixels) LT_MUST_CHECK;

/* Reads and decodes; messages begin with the path. */
enum lt_err picture_read(struct picture *self, const char *path, int64_t max_pixels) LT_MUST_CHECK;

/* ---- for codecs ---- */

struct codec {
    const char *name;
    bool (*matches)(const uint8_t *bytes, size_t length);
    enum lt_err (*decode)(struct picture *self, const uint8_t *bytes, size_t length, int64_t max_pixels);
};

#define CODEC(name) extern const struct codec codec_##name;
#include "data/codecs/codecs.def"
#undef CODEC

/* Takes a size found in a header: checks it and makes room. */
enum lt_err picture_resize(struct picture *self, int64_t width, int64_t height, int64_t max_pixels) LT_MUST_CHECK;
