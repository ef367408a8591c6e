/* A transform: pixels in, pixels out, the same as torchvision's on a Pillow image given the same parameters. What is
 * random is drawn from one Philox stream per (seed, epoch, sample). Implementers' door; users include data/data.h.
 * Thread: a transform's options are read-only; a work belongs to one thread. */
#pragma once

#include "data/base/options.h"
#include "data/base/rng.h"
#include "data/codecs/codec.h"

#include <stdbool.h>
#include <stdint.h>

/* A view of RGB pixels: rows of `width` pixels, `stride` bytes apart. */
struct image {
    const uint8_t *pixels;
    int width, height;
    size_t stride;
};

/* Where pixels come from once they are needed: decodes a part of the picture, rgb of the part's size; or, for scaling
 * to height x width, its planes (picture_decode_planes), unless `planes` is NULL, as it is for exact pixels. */
struct source {
    enum lt_err (*decode)(void *context, struct box part, const uint8_t **rgb);
    enum lt_err (*planes)(void *context, struct box part, int height, int width, const struct planes **planes);
    void *context;
};

/* The picture on its way through a pipeline, and the memory it moves through. Cropping and scaling wait until somebody
 * needs pixels (work_settle): then only what is still wanted is decoded and scaled. Zero-initialised is releasable. */
struct work {
    struct image image; /* its size; pixels are NULL while something waits */
    struct source source;
    bool is_encoded;     /* the picture is still in the source, */
    struct box part;     /* of which this part is wanted */
    struct image scaled; /* with `is_scaled`: what is to be scaled (pixels NULL: `part` of the source) … */
    bool is_scaled;
    int full_height, full_width; /* … to this size, */
    int top, left;               /* of which the image begins here */
    enum lt_err err;             /* decoding failed: the message is lt_message's, the pixels are black */

    uint8_t *out; /* where the picture is wanted in the end, lent; NULL: anywhere */
    int out_height, out_width;

    uint8_t *buffer[3];
    size_t capacity[3];
    int next;       /* buffer to write next */
    int pillow;     /* 13 or 12: whose order of passes resize follows */
    double *weight; /* resize's coefficients */
    int32_t *fixed;
    int *bound;
    void *scratch;
    size_t weights, bounds, scratch_bytes;
};
void work_release(struct work *self);

/* Lends memory for a picture of this size, other than what work->image lies in; aborts when there is none. */
uint8_t *work_buffer(struct work *self, int width, int height);

/* The same for a picture that becomes the image: `out`, where it is as large. */
uint8_t *work_target(struct work *self, int width, int height);

/* Memory for an image as large as this one, each pixel of which needs but the old one: it may be the image's own. */
uint8_t *work_over(struct work *self);

/* Makes pixels the image: memory of one of these, or the caller's. */
void work_set(struct work *self, const uint8_t *pixels, int width, int height);

/* Makes a picture that is still to be decoded the image. */
void work_open(struct work *self, int height, int width, struct source source);

/* Decodes a part of the source now; black pixels after an error. */
const uint8_t *work_decode(struct work *self, struct box part);

/* Decodes the planes of a part that is scaled to work->image's size; NULL after an error, and where there are none. */
const struct planes *work_planes(struct work *self, struct box part);

/* Does what waits: work->image has pixels afterwards. */
void work_settle(struct work *self);

struct transform {
    const char *name;
    const char *help;
    struct option_table table;
    size_t bound_bytes;
    /* Refuses options that do not go together; `at` is the setting to blame. NULL: nothing to refuse. */
    enum lt_err (*check)(const void *options, const struct setting *at);
    /* The size of what comes out, where it is always the same; leaves *height, *width alone when size does not change,
     * sets both to 0 when it depends on the picture. NULL: does not change. */
    void (*size)(const void *options, int *height, int *width);
    void (*apply)(const void *options, struct work *work, struct rng *rng);
};

#define TRANSFORM(name) extern const struct transform transform_##name;
#include "data/transforms/transforms.def"
#undef TRANSFORM

/* A size written as one number or as [height, width]; 0 in *width where one number was given. */
enum lt_err read_size(const struct reals *size, const struct setting *at, int *height, int *width) LT_MUST_CHECK;

/* ---- the parts with given parameters, as tests call them ---- */

/* Pillow's Image.crop; the box lies inside. Nothing is copied. */
void image_crop(struct work *work, int top, int left, int height, int width);

/* Pillow's Image.resize(BILINEAR), antialiased, in its fixed point. It waits; resize_settle does it. */
void image_resize(struct work *work, int height, int width);
void resize_settle(struct work *work);
void image_flip(struct work *work);

/* ImageEnhance's blends: 0 brightness, 1 contrast, 2 saturation, by a factor. */
enum { JITTER_BRIGHTNESS, JITTER_CONTRAST, JITTER_SATURATION };
void image_jitter(struct work *work, int kind, double factor);
