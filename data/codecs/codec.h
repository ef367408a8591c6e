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

/* What a codec keeps for the next picture. Zero-initialised is empty. */
struct codec_memory {
    void *tables;
    uint8_t *scratch;
    size_t scratch_bytes;
};

/* A decoded picture, or a part of one; the memory is kept for the next one. Zero-initialised is releasable. */
struct picture {
    uint8_t *rgb; /* [height, width, 3] */
    int width, height;
    size_t capacity; /* bytes of rgb */
    struct codec_memory kept;
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

/* One colour of a part of a picture: bytes [height][stride], whose pixels are `across` wide and `down` high, in pixels
 * of the picture, and begin at column `left` and row `top` of their own. */
struct plane {
    uint8_t *pixels;
    size_t stride;
    int left, top, width, height;
    double across, down;
};

/* Luma and the two chromas of JFIF, as a JPEG stores them. Zero-initialised is releasable. */
struct planes {
    struct plane plane[3];
    uint8_t *memory;
    size_t capacity;
    struct codec_memory kept; /* pixels may lie in it */
};
void planes_release(struct planes *self);

/* Decodes what covers a part, in 1/2, 1/4 or 1/8 of its size where that still is twice height x width or more, so that
 * the scaling that follows hides how the part was made smaller. Without an
 * error and with plane[0].pixels NULL the picture is not stored like that: use picture_decode_part. */
enum lt_err picture_decode_planes(struct planes *self, const uint8_t *bytes, size_t length, struct box part, int height,
                                  int width) LT_MUST_CHECK;

/* Reads a picture file; messages begin with the path. The caller frees the bytes. */
enum lt_err picture_file(char **bytes, size_t *length, const char *path) LT_MUST_CHECK;

/* ---- for codecs ---- */

struct codec {
    const char *name;
    bool (*matches)(const uint8_t *bytes, size_t length);
    enum lt_err (*size)(int64_t *height, int64_t *width, const uint8_t *bytes, size_t length);
    /* `part` lies inside. */
    enum lt_err (*decode)(struct picture *self, const uint8_t *bytes, size_t length, struct box part);
    /* As picture_decode_planes, at 1/`shrink`; NULL: never. */
    enum lt_err (*planes)(struct planes *self, const uint8_t *bytes, size_t length, struct box part, int shrink);
};

#define CODEC(name) extern const struct codec codec_##name;
#include "data/codecs/codecs.def"
#undef CODEC

/* Makes room for so many pixels. */
enum lt_err picture_resize(struct picture *self, int height, int width) LT_MUST_CHECK;

/* Lends so many bytes, aligned to MEMORY_ALIGN, until the next picture is decoded. */
enum lt_err codec_scratch(struct codec_memory *self, uint8_t **scratch, size_t bytes) LT_MUST_CHECK;

/* Makes room for pixels of planes whose stride and height are set. */
enum lt_err planes_resize(struct planes *self) LT_MUST_CHECK;
