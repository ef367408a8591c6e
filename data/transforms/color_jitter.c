/* ColorJitter: brightness, contrast and saturation by random factors in random order; Pillow's ImageEnhance, a rounding
 * to uint8 after each. Hue is not there. */
#include "data/transforms/pixels.h"
#include "data/transforms/transform.h"

#include <math.h>
#include <stddef.h>

struct jitter_options {
    struct reals amount;
    double brightness, contrast, saturation, hue;
};

static const struct option rows[] = {
    {.key = "amount",
     .type = OPTION_REALS,
     .offset = offsetof(struct jitter_options, amount),
     .initial = "[]",
     .min = 0,
     .max = 100,
     .help = "[brightness, contrast, saturation], instead of the keys below"},
    {.key = "brightness",
     .type = OPTION_REAL,
     .offset = offsetof(struct jitter_options, brightness),
     .initial = "0",
     .min = 0,
     .max = 100,
     .help = "the factor lies in 1 - b (at least 0) … 1 + b"},
    {.key = "contrast",
     .type = OPTION_REAL,
     .offset = offsetof(struct jitter_options, contrast),
     .initial = "0",
     .min = 0,
     .max = 100,
     .help = "the same"},
    {.key = "saturation",
     .type = OPTION_REAL,
     .offset = offsetof(struct jitter_options, saturation),
     .initial = "0",
     .min = 0,
     .max = 100,
     .help = "the same"},
    {.key = "hue",
     .type = OPTION_REAL,
     .offset = offsetof(struct jitter_options, hue),
     .initial = "0",
     .min = 0,
     .max = 0.5,
     .help = "not available yet; 0"},
};

static enum lt_err check(const void *options, const struct setting *at)
{
    const struct jitter_options *o = options;
    bool keys = o->brightness != 0 || o->contrast != 0 || o->saturation != 0;
    if (o->amount.count > 4) return setting_fail(at, "color_jitter takes [brightness, contrast, saturation]");
    if (o->amount.count && keys) return setting_fail(at, "give either the list or the keys of color_jitter, not both");
    if (o->hue != 0 || (o->amount.count == 4 && o->amount.item[3] != 0))
        return setting_fail(at, "jitter of the hue is not available yet; use 0");
    return LT_OK;
}

static double amount_of_kind(const struct jitter_options *o, int kind)
{
    if (o->amount.count) return (size_t)kind < o->amount.count ? o->amount.item[kind] : 0;
    return kind == JITTER_BRIGHTNESS ? o->brightness : kind == JITTER_CONTRAST ? o->contrast : o->saturation;
}

/* ---- the blends ---- */

/* How many rows of how many pixels: one where they follow each other. */
static int lines_of(const struct image *image, size_t *pixels)
{
    const int joined = image->stride == (size_t)image->width * 3 ? image->height : 1;
    *pixels = (size_t)image->width * (size_t)joined;
    return image->height / joined;
}

static int mean_luma(const struct image *image)
{
    const struct pixel_kernels *kernels = pixel_kernels();
    size_t pixels;
    const int lines = lines_of(image, &pixels);
    int64_t sum = 0;
    for (int y = 0; y < lines; y++) sum += kernels->luma_sum(image->pixels + (size_t)y * image->stride, pixels);
    return (int)((double)sum / ((double)image->width * image->height) + 0.5);
}

void image_jitter(struct work *work, int kind, double factor)
{
    work_settle(work);
    const struct image in = work->image;
    const struct pixel_kernels *kernels = pixel_kernels();
    uint8_t *out = work_over(work);
    const int base = kind == JITTER_CONTRAST ? mean_luma(&in) : 0;
    size_t pixels;
    const int lines = lines_of(&in, &pixels);
    for (int y = 0; y < lines; y++) {
        const uint8_t *from = in.pixels + (size_t)y * in.stride;
        uint8_t *to = out + (size_t)y * pixels * 3;
        if (kind == JITTER_SATURATION)
            kernels->blend_luma(to, from, pixels, (float)factor);
        else
            kernels->blend(to, from, pixels * 3, base, (float)factor);
    }
    work_set(work, out, in.width, in.height);
}

/* ---- the transform: torchvision draws the order of four, then the factors; the place of the hue is passed over ----
 */

static void draw_order(int order[4], struct rng *rng)
{
    for (int i = 0; i < 4; i++) order[i] = i;
    for (int i = 0; i < 3; i++) {
        int k = i + (int)rng_below(rng, (uint32_t)(4 - i)), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

static void apply(const void *options, struct work *work, struct rng *rng)
{
    const struct jitter_options *o = options;
    int order[4];
    double factor[3];
    draw_order(order, rng);
    for (int kind = 0; kind < 3; kind++) {
        double amount = amount_of_kind(o, kind), low = fmax(0, 1 - amount), high = 1 + amount;
        factor[kind] = (double)fmaf(rng_uniform(rng), (float)(high - low), (float)low);
    }
    for (int i = 0; i < 4; i++)
        if (order[i] < 3 && amount_of_kind(o, order[i]) != 0) image_jitter(work, order[i], factor[order[i]]);
}

const struct transform transform_color_jitter = {
    .name = "color_jitter",
    .help = "changes brightness, contrast and saturation at random",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct jitter_options),
    .check = check,
    .apply = apply,
};
