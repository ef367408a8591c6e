/* RandomHorizontalFlip: mirrors left and right with probability p. */
#include "data/transforms/transform.h"

#include <string.h>

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

/* Pixels are moved as four bytes, of which the next one overwrites the last; the end is done by itself. */
static void flip_row(uint8_t *to, const uint8_t *from, int width)
{
    from += (size_t)(width - 1) * 3;
    for (int x = 0; x + 1 < width; x++, from -= 3, to += 3) {
        uint32_t four;
        memcpy(&four, from - 1, sizeof four); /* from the byte before, so that nothing past the end is read */
        four >>= 8;
        memcpy(to, &four, sizeof four);
    }
    memcpy(to, from, 3);
}

void image_flip(struct work *work)
{
    work_settle(work);
    const struct image in = work->image;
    uint8_t *out = work_buffer(work, in.width, in.height);
    for (int y = 0; y < in.height; y++)
        flip_row(out + (size_t)y * (size_t)in.width * 3, in.pixels + (size_t)y * in.stride, in.width);
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
