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

/* A decoded picture, or a part of one; the memory is kept for the next one. Zero-initialised is releasable. */
struct picture {
    uint8_t *rgb; /* [height, width, 3] */
    int width, height;
    size_t capacity; /* bytes of rgb */
};
void picture_release(struct picture *self);

/* Decodes a whole file in memory. Messages say what is wrong, not in which file: the caller adds that (lt_fail_in). */
enum lt_err picture_decode(struct picture *self, const uint8_t *bytes, size_t length, int64_t max_pixels) LT_MUST_CHECK;

/* A part of a picture. */
struct box {
    int top, left, height, width;
};

/* What the file's header says, checked; and then a part of the picture, the same pixels as the whole has there. Damage
 * outside of the part may go unnoticed, a file that is cut off does not. */
enum lt_err picture_size(int *height, int *width, const uint8_t *bytes, size_t length,
                         int64_t max_pixels) LT_MUST_CHECK;
enum lt_err picture_decode_part(struct picture *self, const uint8_t *bytes, size_t length,
                                struct box part) LT_MUST_CHECK;

/* Reads a picture file; messages begin with the path. The caller frees the bytes. */
enum lt_err picture_file(char **bytes, size_t *length, const char *path) LT_MUST_CHECK;

/* ---- for codecs ---- */

struct codec {
    const char *name;
    bool (*matches)(const uint8_t *bytes, size_t length);
    enum lt_err (*size)(int64_t *height, int64_t *width, const uint8_t *bytes, size_t length);
    /* `part` lies inside. */
    enum lt_err (*decode)(struct picture *self, const uint8_t *bytes, size_t length, struct box part);
};

#define CODEC(name) extern const struct codec codec_##name;
#include "data/codecs/codecs.def"
#undef CODEC

/* Makes room for so many pixels. */
enum lt_err picture_resize(struct picture *self, int height, int width) LT_MUST_CHECK;
