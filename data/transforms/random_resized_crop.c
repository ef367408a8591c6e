/* RandomResizedCrop: a random part of the picture, scaled to one size; torchvision's get_params. */
#include "data/transforms/transform.h"

#include <math.h>

struct crop_options {
    struct reals size, scale, ratio;
};

static const struct option rows[] = {
    {.key = "size",
     .type = OPTION_REALS,
     .offset = offsetof(struct crop_options, size),
     .min = 1,
     .max = 65535,
     .unit = "pixels",
     .help = "of both sides, or [height, width]"},
    {.key = "scale",
     .type = OPTION_REALS,
     .offset = offsetof(struct crop_options, scale),
     .initial = "[0.08, 1]",
     .min = 0,
     .open_min = true,
     .max = 1,
     .help = "least and largest share of the picture's area"},
    {.key = "ratio",
     .type = OPTION_REALS,
     .offset = offsetof(struct crop_options, ratio),
     .initial = "[0.75, 1.3333333333333333]",
     .min = 0,
     .open_min = true,
     .max = 100,
     .help = "least and largest ratio of width to height"},
};

static enum lt_err check(const void *options, const struct setting *at)
{
    const struct crop_options *o = options;
    int height, width;
    if (o->scale.count != 2 || o->scale.item[0] > o->scale.item[1])
        return setting_fail(at, "scale is [least, largest], like [0.08, 1.0]");
    if (o->ratio.count != 2 || o->ratio.item[0] > o->ratio.item[1])
        return setting_fail(at, "ratio is [least, largest], like [0.75, 1.33]");
    return read_size(&o->size, at, &height, &width);
}

static void size(const void *options, int *height, int *width)
{
    const struct crop_options *o = options;
    *height = (int)o->size.item[0];
    *width = (int)o->size.item[o->size.count == 2];
}

/* Ten tries fell outside: the largest centred part whose ratio is allowed. */
static struct box fall_back(const struct crop_options *o, int height, int width)
{
    double ratio = (double)width / height;
    struct box box = {.height = height, .width = width};
    if (ratio < o->ratio.item[0])
        box.height = (int)nearbyint(width / o->ratio.item[0]);
    else if (ratio > o->ratio.item[1])
        box.width = (int)nearbyint(height * o->ratio.item[1]);
    box.top = (height - box.height) / 2;
    box.left = (width - box.width) / 2;
    return box;
}

static struct box draw_box(const struct crop_options *o, int height, int width, struct rng *rng)
{
    double area = (double)height * width, low = log(o->ratio.item[0]), high = log(o->ratio.item[1]);
    for (int i = 0; i < 10; i++) {
        double target = area * (o->scale.item[0] + (o->scale.item[1] - o->scale.item[0]) * (double)rng_uniform(rng));
        double ratio = exp(low + (high - low) * (double)rng_uniform(rng));
        int w = (int)nearbyint(sqrt(target * ratio)), h = (int)nearbyint(sqrt(target / ratio));
        if (w < 1 || w > width || h < 1 || h > height) continue;
        int top = (int)rng_below(rng, (uint32_t)(height - h + 1)),
            left = (int)rng_below(rng, (uint32_t)(width - w + 1));
        return (struct box){top, left, h, w};
    }
    return fall_back(o, height, width);
}

static void apply(const void *options, struct work *work, struct rng *rng)
{
    int height, width;
    size(options, &height, &width);
    struct box box = draw_box(options, work->image.height, work->image.width, rng);
    image_crop(work, box.top, box.left, box.height, box.width);
    image_resize(work, height, width);
}

const struct transform transform_random_resized_crop = {
    .name = "random_resized_crop",
    .help = "cuts out a random part and scales it to one size",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct crop_options),
    .check = check,
    .size = size,
    .apply = apply,
};
