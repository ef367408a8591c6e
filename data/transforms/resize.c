/* Resize: the short side to a size, or both sides; Pillow's antialiased bilinear filter in its 22-bit fixed point, a
 * rounding to uint8 after each pass (Pillow: src/libImaging/Resample.c). */
#include "data/transforms/transform.h"

#include "data/base/memory.h"
#include "data/transforms/pixels.h"

#include <math.h>
#include <stdlib.h>

/* ---- coefficients ---- */

/* How an axis is scaled: output x lies around begin + (x + 0.5) scale, among the elements low … high - 1. */
struct axis {
    double begin, scale;
    int low, high;
};

static struct axis axis_of(int in, int out)
{
    return (struct axis){.scale = (double)in / out, .high = in};
}

static void make_room(struct work *work, size_t weights, size_t bounds)
{
    if (weights > work->weights) {
        work->fixed = memory_resize(work->fixed, weights, sizeof *work->fixed);
        work->weight = memory_resize(work->weight, weights, sizeof *work->weight);
        work->weights = weights;
    }
    if (bounds > work->bounds) work->bound = memory_resize(work->bound, work->bounds = bounds, sizeof *work->bound);
}

/* Of outputs first … first + count - 1. */
static struct filter make_filter(struct work *work, const struct axis *axis, int first, int count)
{
    const double scale = axis->scale, support = scale < 1 ? 1 : scale, filter_scale = support;
    const int taps = (int)ceil(support) * 2 + 1;
    make_room(work, (size_t)count * (size_t)taps, (size_t)count * 2);
    for (int x = 0; x < count; x++) {
        const double center = axis->begin + (first + x + 0.5) * scale;
        double sum = 0, *weight = work->weight + (size_t)x * (size_t)taps;
        int begin = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        if (begin < axis->low) begin = axis->low;
        if (end > axis->high) end = axis->high;
        for (int i = 0; i < end - begin; i++) {
            double distance = fabs((i + begin - center + 0.5) * (1.0 / filter_scale));
            weight[i] = distance < 1 ? 1 - distance : 0;
            sum += weight[i];
        }
        for (int i = 0; i < end - begin; i++)
            work->fixed[(size_t)x * (size_t)taps + (size_t)i] =
                (int32_t)(0.5 + (sum != 0 ? weight[i] / sum : weight[i]) * (1 << FILTER_PRECISION));
        work->bound[2 * x] = begin;
        work->bound[2 * x + 1] = end - begin;
    }
    return (struct filter){work->fixed, work->bound, taps, count};
}

/* What outputs first … first + count - 1 read of an axis: *begin and *number. */
static void reads(struct work *work, const struct axis *axis, int first, int count, int *begin, int *number)
{
    *begin = first;
    *number = count;
    if (axis->begin == 0 && axis->scale == 1) return;
    struct filter start = make_filter(work, axis, first, 1);
    *begin = start.bound[0];
    struct filter end = make_filter(work, axis, first + count - 1, 1);
    *number = end.bound[0] + end.bound[1] - *begin;
}

/* ---- the two passes; `begin` is the place of the image's first row or column on its axis ---- */

static struct filter filter_from(struct work *work, const struct axis *axis, int first, int count, int begin)
{
    struct filter filter = make_filter(work, axis, first, count);
    for (int i = 0; i < count; i++) work->bound[2 * i] -= begin;
    return filter;
}

static void make_scratch(struct work *work, int in_width, const struct filter *filter)
{
    const size_t scratch = pixel_kernels()->scratch(in_width, filter);
    if (scratch <= work->scratch_bytes) return;
    work->scratch = memory_resize(work->scratch, scratch, 1);
    work->scratch_bytes = scratch;
}

static void pass_horizontal(struct work *work, const struct axis *axis, int left, int width, int begin)
{
    const struct image in = work->image;
    const struct filter filter = filter_from(work, axis, left, width, begin);
    make_scratch(work, in.width, &filter);
    uint8_t *to = work_target(work, width, in.height);
    pixel_kernels()->horizontal(to, in.pixels, in.stride, in.width, in.height, 3, &filter, work->scratch);
    work_set(work, to, width, in.height);
}

static void pass_vertical(struct work *work, const struct axis *axis, int top, int height, int begin)
{
    const struct image in = work->image;
    const struct filter filter = filter_from(work, axis, top, height, begin);
    make_scratch(work, in.width, &filter);
    uint8_t *to = work_target(work, in.width, height);
    pixel_kernels()->vertical(to, in.pixels, in.stride, (size_t)in.width * 3, &filter, work->scratch);
    work_set(work, to, in.width, height);
}

/* ---- planes: each is scaled by itself, from the resolution that it has ---- */

/* An axis of `in` pixels of the picture from `first` on, in a plane's own `count` pixels from `begin` on, which are
 * `size` wide each. */
static struct axis axis_of_plane(int first, int in, int out, double size, int begin, int count)
{
    const int low = (int)(first / size) - begin, high = (int)ceil((first + in) / size) - begin;
    return (struct axis){
        .begin = first / size - begin,
        .scale = (double)in / out / size,
        .low = low > 0 ? low : 0,
        .high = high < count ? high : count,
    };
}

/* Rows and then columns of a plane: `to` [wanted.height][wanted.width], `rows` is room for the first pass. */
static void scale_plane(struct work *work, uint8_t *to, uint8_t *rows, const struct plane *plane,
                        const struct image *wanted, const struct image *whole)
{
    const struct pixel_kernels *kernels = pixel_kernels();
    const struct axis down = axis_of_plane(work->part.top, whole->height, work->full_height, plane->down, plane->top,
                                           plane->height),
                      across = axis_of_plane(work->part.left, whole->width, work->full_width, plane->across,
                                             plane->left, plane->width);
    int left, width;
    reads(work, &across, work->left, wanted->width, &left, &width);
    const struct filter vertical = make_filter(work, &down, work->top, wanted->height);
    make_scratch(work, width, &vertical);
    kernels->vertical(rows, plane->pixels + left, plane->stride, (size_t)width, &vertical, work->scratch);
    const struct filter horizontal = filter_from(work, &across, work->left, wanted->width, left);
    make_scratch(work, width, &horizontal);
    kernels->horizontal(to, rows, (size_t)width, width, wanted->height, 1, &horizontal, work->scratch);
}

/* False: the picture is not stored in planes, or could not be decoded. */
static bool settle_planes(struct work *work, const struct box *part)
{
    const struct image wanted = work->image, whole = work->scaled;
    const struct planes *planes = work_planes(work, *part);
    if (!planes) return false;
    const size_t pixels = (size_t)wanted.width * (size_t)wanted.height;
    int width = 0;
    for (int i = 0; i < 3; i++)
        if (planes->plane[i].width > width) width = planes->plane[i].width;
    uint8_t *rows = work_buffer(work, width, wanted.height), *plane = work_buffer(work, wanted.width, wanted.height),
            *rgb = work_target(work, wanted.width, wanted.height);
    for (int i = 0; i < 3; i++) scale_plane(work, plane + (size_t)i * pixels, rows, &planes->plane[i], &wanted, &whole);
    pixel_kernels()->merge(rgb, plane, plane + pixels, plane + 2 * pixels, pixels);
    work_set(work, rgb, wanted.width, wanted.height);
    return true;
}

/* ---- scaling, when pixels are needed ---- */

void image_resize(struct work *work, int height, int width)
{
    if (height == work->image.height && width == work->image.width) return;
    if (work->is_scaled) work_settle(work);
    work->scaled = work->image;
    work->is_scaled = true;
    work->full_height = height;
    work->full_width = width;
    work->top = work->left = 0;
    work->image = (struct image){.height = height, .width = width};
}

/* Takes only those rows and columns that the wanted part reads. */
void resize_settle(struct work *work)
{
    const struct image wanted = work->image, whole = work->scaled;
    const int top = work->top, left = work->left, h = whole.height, w = whole.width, height = work->full_height,
              width = work->full_width;
    const struct axis down = axis_of(h, height), across = axis_of(w, width);
    struct box part;
    reads(work, &down, top, wanted.height, &part.top, &part.height);
    reads(work, &across, left, wanted.width, &part.left, &part.width);
    if (whole.pixels) {
        work_set(work, whole.pixels, part.width, part.height);
        work->image.stride = whole.stride;
        work->image.pixels += (size_t)part.top * whole.stride + (size_t)part.left * 3;
    } else {
        const struct box encoded = {work->part.top + part.top, work->part.left + part.left, part.height, part.width};
        if (work->source.planes && settle_planes(work, &encoded)) return;
        work_set(work, work_decode(work, encoded), part.width, part.height);
    }
    const int shrink_h = h - height, shrink_w = w > width ? w - width : 0;
    const bool vertical_first = work->pillow >= 13 && h != height && w != width && shrink_h > 2 * shrink_w;
    if (vertical_first) pass_vertical(work, &down, top, wanted.height, part.top);
    if (w != width) pass_horizontal(work, &across, left, wanted.width, part.left);
    if (!vertical_first && h != height) pass_vertical(work, &down, top, wanted.height, part.top);
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
