#include "data/transforms/pipeline.h"

#include "data/base/memory.h"
#include "data/transforms/normalize.h"

#include <stdlib.h>
#include <string.h>

struct pipeline {
    const struct transform **transform;
    void **options;
    size_t count;
    int height, width;
    double mean[3], std[3];
};

static const struct transform *const transforms[] = {
#define TRANSFORM(name) &transform_##name,
#include "data/transforms/transforms.def"
#undef TRANSFORM
};
enum { TRANSFORMS = sizeof transforms / sizeof *transforms };

static enum lt_err find(const struct transform **transform, const char *name, const struct setting *at)
{
    const char *names[TRANSFORMS];
    for (int i = 0; i < TRANSFORMS; i++) {
        names[i] = transforms[i]->name;
        if (strcmp(names[i], name) == 0) return *transform = transforms[i], LT_OK;
    }
    const char *nearest = options_nearest(name, names, TRANSFORMS);
    return setting_fail(at, "there is no transform '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                        nearest ? nearest : "", nearest ? "'?" : "");
}

static enum lt_err add(struct pipeline *self, const struct setting *at)
{
    const char *name;
    const struct setting *rest;
    const struct transform *transform = NULL;
    LT_TRY(options_member(&name, &rest, at));
    LT_TRY(find(&transform, name, at));
    void *options = memory_new(1, transform->bound_bytes);
    enum lt_err err = options_bind_member(options, transform->table, at, rest);
    if (err != LT_OK) {
        free(options);
        return err;
    }
    self->transform[self->count] = transform;
    self->options[self->count++] = options;
    return transform->check ? transform->check(options, at) : LT_OK;
}

/* Follows the size through the list; what normalize says is taken out of it. */
static enum lt_err resolve(struct pipeline *self, const struct setting *list)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->transform[i] == &transform_normalize) {
            if (i + 1 < self->count) return setting_fail(list->child[i], "normalize must be the last transform");
            normalize_values(self->options[i], self->mean, self->std);
        } else if (self->transform[i]->size) {
            self->transform[i]->size(self->options[i], &self->height, &self->width);
        }
    }
    if (self->height > 0) return LT_OK;
    return setting_fail(list,
                        "pictures come out in different sizes; end with center_crop: N, random_resized_crop: N or "
                        "resize: [H, W]");
}

enum lt_err pipeline_read(struct pipeline **out, const struct setting *list)
{
    if (setting_is_null(list)) return lt_fail(LT_EUSAGE, "no transforms are given");
    if (list->kind != SETTING_SEQUENCE) return setting_fail(list, "a list of transforms stands here");
    struct pipeline *self = memory_new(1, sizeof *self);
    *self = (struct pipeline){.std = {1, 1, 1}};
    self->transform = memory_new(list->count, sizeof *self->transform);
    self->options = memory_new(list->count, sizeof *self->options);
    enum lt_err err = LT_OK;
    for (size_t i = 0; err == LT_OK && i < list->count; i++) err = add(self, list->child[i]);
    if (err == LT_OK) err = resolve(self, list);
    if (err == LT_OK)
        *out = self;
    else
        pipeline_free(self);
    return err;
}

void pipeline_free(struct pipeline *self)
{
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) {
        options_release(self->options[i], self->transform[i]->table);
        free(self->options[i]);
    }
    free(self->transform);
    free(self->options);
    free(self);
}

void pipeline_size(const struct pipeline *self, int *height, int *width)
{
    *height = self->height;
    *width = self->width;
}

void pipeline_normalize(const struct pipeline *self, double mean[3], double std[3])
{
    memcpy(mean, self->mean, sizeof self->mean);
    memcpy(std, self->std, sizeof self->std);
}

void pipeline_apply(const struct pipeline *self, struct work *work, struct rng *rng, uint8_t *out)
{
    work->out = out;
    work->out_height = self->height;
    work->out_width = self->width;
    for (size_t i = 0; i < self->count; i++)
        if (self->transform[i]->apply) self->transform[i]->apply(self->options[i], work, rng);
    work_settle(work);
    work->out = NULL;
    lt_assert(work->image.height == self->height && work->image.width == self->width);
    const size_t row = (size_t)self->width * 3;
    if (work->image.pixels == out) return;
    for (int y = 0; y < self->height; y++)
        memcpy(out + (size_t)y * row, work->image.pixels + (size_t)y * work->image.stride, row);
}
