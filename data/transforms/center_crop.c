/* CenterCrop: the middle of the picture; a smaller picture gets black borders first, as torchvision's. */
#include "data/transforms/transform.h"

#include <math.h>
#include <string.h>

struct crop_options {
    struct reals size;
};

static const struct option rows[] = {
    {.key = "size",
     .type = OPTION_REALS,
     .offset = offsetof(struct crop_options, size),
     .min = 1,
     .max = 65535,
     .unit = "pixels",
     .help = "of both sides, or [height, width]"},
};

static void size(const void *options, int *height, int *width)
{
    const struct crop_options *o = options;
    *height = (int)o->size.item[0];
    *width = (int)o->size.item[o->size.count == 2];
}

static enum lt_err check(const void *options, const struct setting *at)
{
    int height, width;
    return read_size(&((const struct crop_options *)options)->size, at, &height, &width);
}

/* Borders of (missing)/2 above and left, (missing + 1)/2 below and right. */
static void pad(struct work *work, int height, int width)
{
    work_settle(work);
    const struct image in = work->image;
    int top = height > in.height ? (height - in.height) / 2 : 0, left = width > in.width ? (width - in.width) / 2 : 0;
    int h = height > in.height ? height : in.height, w = width > in.width ? width : in.width;
    uint8_t *out = work_target(work, w, h);
    memset(out, 0, (size_t)h * (size_t)w * 3);
    for (int y = 0; y < in.height; y++)
        memcpy(out + ((size_t)(y + top) * (size_t)w + (size_t)left) * 3, in.pixels + (size_t)y * in.stride,
               (size_t)in.width * 3);
    work_set(work, out, w, h);
}

static void apply(const void *options, struct work *work, struct rng *rng)
{
    (void)rng;
    int height, width;
    size(options, &height, &width);
    if (work->image.height < height || work->image.width < width) pad(work, height, width);
    int top = (int)nearbyint((work->image.height - height) / 2.0); /* half to even, as Python's round */
    int left = (int)nearbyint((work->image.width - width) / 2.0);
    image_crop(work, top, left, height, width);
}

const struct transform transform_center_crop = {
    .name = "center_crop",
    .help = "cuts out the middle",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct crop_options),
    .check = check,
    .size = size,
    .apply = apply,
};
