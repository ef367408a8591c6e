/* Resize: the short side to a size, or both sides; Pillow's antialiased bilinear filter in its 22-bit fixed point, a
 * rounding to uint8 after each pass (Pillow: src/libImaging/Resample.c). */
#include "data/transforms/transform.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 22 };

/* ---- coefficients: for each output position where it starts to read, how many, and with which weights ---- */

struct filter {
    const int32_t *weight; /* [size, taps] */
    const int *bound;      /* [size, 2]: first, count */
    int taps;
};

static struct filter make_filter(struct work *work, int in, int out)
{
    double scale = (double)in / out, support = scale < 1 ? 1 : scale, filter_scale = support;
    int taps = (int)ceil(support) * 2 + 1;
    size_t weights = (size_t)out * (size_t)taps;
    if (weights > work->weights) {
        work->fixed = memory_resize(work->fixed, weights, sizeof *work->fixed);
        work->weight = memory_resize(work->weight, weights, sizeof *work->weight);
        work->weights = weights;
    }
    if ((size_t)out * 2 > work->bounds)
        work->bound = memory_resize(work->bound, work->bounds = (size_t)out * 2, sizeof *work->bound);
    for (int x = 0; x < out; x++) {
        double center = (x + 0.5) * scale, sum = 0, *weight = work->weight + (size_t)x * (size_t)taps;
        int first = (int)(center - support + 0.5), last = (int)(center + support + 0.5);
        if (first < 0) first = 0;
        if (last > in) last = in;
        for (int i = 0; i < last - first; i++) {
            double distance = fabs((i + first - center + 0.5) * (1.0 / filter_scale));
            weight[i] = distance < 1 ? 1 - distance : 0;
            sum += weight[i];
        }
        for (int i = 0; i < last - first; i++)
            work->fixed[(size_t)x * (size_t)taps + (size_t)i] =
                (int32_t)(0.5 + (sum != 0 ? weight[i] / sum : weight[i]) * (1 << PRECISION));
        work->bound[2 * x] = first;
        work->bound[2 * x + 1] = last - first;
    }
    return (struct filter){work->fixed, work->bound, taps};
}

static uint8_t clip8(int32_t sum)
{
    int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void pass_horizontal(struct work *work, int width)
{
    const struct image in = work->image;
    struct filter filter = make_filter(work, in.width, width);
    uint8_t *out = work_buffer(work, width, in.height);
    for (int y = 0; y < in.height; y++) {
        const uint8_t *row = in.pixels + (size_t)y * in.stride;
        uint8_t *to = out + (size_t)y * (size_t)width * 3;
        for (int x = 0; x < width; x++, to += 3) {
            const uint8_t *from = row + 3 * (size_t)filter.bound[2 * x];
            const int32_t *weight = filter.weight + (size_t)x * (size_t)filter.taps;
            int32_t r = 1 << (PRECISION - 1), g = r, b = r;
            for (int i = 0; i < filter.bound[2 * x + 1]; i++, from += 3) {
                r += weight[i] * from[0];
                g += weight[i] * from[1];
                b += weight[i] * from[2];
            }
            to[0] = clip8(r), to[1] = clip8(g), to[2] = clip8(b);
        }
    }
    work_set(work, out, width, in.height);
}

/* A strip of columns at a time, so that the sums stay in registers or first-level cache. */
static void pass_vertical(struct work *work, int height)
{
    enum { STRIP = 192 };
    const struct image in = work->image;
    struct filter filter = make_filter(work, in.height, height);
    uint8_t *out = work_buffer(work, in.width, height);
    int columns = in.width * 3;
    for (int y = 0; y < height; y++) {
        const uint8_t *top = in.pixels + (size_t)filter.bound[2 * y] * in.stride;
        const int32_t *weight = filter.weight + (size_t)y * (size_t)filter.taps;
        for (int x = 0; x < columns; x += STRIP) {
            int32_t sum[STRIP];
            int count = columns - x < STRIP ? columns - x : STRIP;
            for (int i = 0; i < count; i++) sum[i] = 1 << (PRECISION - 1);
            for (int k = 0; k < filter.bound[2 * y + 1]; k++) {
                const uint8_t *from = top + (size_t)k * in.stride + x;
                for (int i = 0; i < count; i++) sum[i] += weight[k] * from[i];
            }
            uint8_t *to = out + (size_t)y * (size_t)columns + x;
            for (int i = 0; i < count; i++) to[i] = clip8(sum[i]);
        }
    }
    work_set(work, out, in.width, height);
}

void image_resize(struct work *work, int height, int width)
{
    int h = work->image.height, w = work->image.width;
    int shrink_h = h - height, shrink_w = w > width ? w - width : 0;
    bool vertical_first = work->pillow >= 13 && h != height && w != width && shrink_h > 2 * shrink_w;
    if (vertical_first) pass_vertical(work, height);
    if (w != width) pass_horizontal(work, width);
    if (!vertical_first && h != height) pass_vertical(work, height);
}

/* ---- the transform ---- */

struct resize_options {
    struct reals size;
};

static const struct option rows[] = {
    {.key = "size",
     .type = OPTION_REALS,
     .offset = offsetof(struct resize_options, size),
     .min = 1,
     .max = 65535,
     .unit = "pixels",
     .help = "of the short side, or [height, width]"},
};

static enum lt_err check(const void *options, const struct setting *at)
{
    int height, width;
    return read_size(&((const struct resize_options *)options)->size, at, &height, &width);
}

static void size(const void *options, int *height, int *width)
{
    const struct resize_options *o = options;
    bool both = o->size.count == 2;
    *height = both ? (int)o->size.item[0] : 0;
    *width = both ? (int)o->size.item[1] : 0;
}

static void apply(const void *options, struct work *work, struct rng *rng)
{
    (void)rng;
    const struct resize_options *o = options;
    int h = work->image.height, w = work->image.width, height = (int)o->size.item[0], width;
    if (o->size.count == 2) {
        width = (int)o->size.item[1];
    } else { /* torchvision: the long side is int(size * long / short) */
        int side = height, shorter = h < w ? h : w, longer = h < w ? w : h;
        int other = (int)((double)side * longer / shorter);
        height = h < w ? side : other;
        width = h < w ? other : side;
    }
    image_resize(work, height, width);
}

const struct transform transform_resize = {
    .name = "resize",
    .help = "scales the picture",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct resize_options),
    .check = check,
    .size = size,
    .apply = apply,
};
