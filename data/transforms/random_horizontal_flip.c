/* RandomHorizontalFlip: mirrors left and right with probability p. */
#include "data/transforms/pixels.h"
#include "data/transforms/transform.h"

struct flip_options {
    double p;
};

static const struct option rows[] = {
    {.key = "p",
     .type = OPTION_REAL,
     .offset = offsetof(struct flip_options, p),
     .initial = "0.5",
     .min = 0,
     .max = 1,
     .help = "probability"},
};

void image_flip(struct work *work)
{
    work_settle(work);
    const struct image in = work->image;
    uint8_t *out = work_target(work, in.width, in.height);
    for (int y = 0; y < in.height; y++)
        pixel_kernels()->mirror(out + (size_t)y * (size_t)in.width * 3, in.pixels + (size_t)y * in.stride,
                                (size_t)in.width);
    work_set(work, out, in.width, in.height);
}

static void apply(const void *options, struct work *work, struct rng *rng)
{
    if ((double)rng_uniform(rng) < ((const struct flip_options *)options)->p) image_flip(work);
}

const struct transform transform_random_horizontal_flip = {
    .name = "random_horizontal_flip",
    .help = "mirrors left and right, sometimes",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct flip_options),
    .apply = apply,
};
