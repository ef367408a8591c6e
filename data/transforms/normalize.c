/* ToTensor and Normalize: (x / 255 - mean) / std. Pixels stay bytes here; mean and std go to the model's first
 * instruction. */
#include "data/transforms/normalize.h"

#include <string.h>

static const struct option rows[] = {
    {.key = "preset",
     .type = OPTION_TEXT,
     .offset = offsetof(struct normalize_options, preset),
     .initial = "null",
     .help = "imagenet, or half (0.5 everywhere), instead of mean and std"},
    {.key = "mean",
     .type = OPTION_REALS,
     .offset = offsetof(struct normalize_options, mean),
     .initial = "[0, 0, 0]",
     .min = -10,
     .max = 10,
     .help = "of red, green, blue, in 0 … 1"},
    {.key = "std",
     .type = OPTION_REALS,
     .offset = offsetof(struct normalize_options, std),
     .initial = "[1, 1, 1]",
     .min = 0,
     .open_min = true,
     .max = 1000,
     .help = "of red, green, blue, in 0 … 1"},
};

static const struct {
    const char *name;
    double mean[3], std[3];
} presets[] = {
    {"imagenet", {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
    {"half", {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}},
};

static enum lt_err check(const void *options, const struct setting *at)
{
    const struct normalize_options *o = options;
    double mean[3], std[3];
    if (o->mean.count != 3 || o->std.count != 3) return setting_fail(at, "mean and std are three numbers each");
    if (normalize_values(o, mean, std)) return LT_OK;
    return setting_fail(at, "there is no preset '%s'; use imagenet, half, or {mean: [...], std: [...]}", o->preset);
}

bool normalize_values(const struct normalize_options *o, double mean[3], double std[3])
{
    if (!o->preset) {
        memcpy(mean, o->mean.item, 3 * sizeof *mean);
        memcpy(std, o->std.item, 3 * sizeof *std);
        return true;
    }
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, o->preset) != 0) continue;
        memcpy(mean, presets[i].mean, sizeof presets[i].mean);
        memcpy(std, presets[i].std, sizeof presets[i].std);
        return true;
    }
    return false;
}

const struct transform transform_normalize = {
    .name = "normalize",
    .help = "shifts and scales the values; last in a list",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct normalize_options),
    .check = check,
};
