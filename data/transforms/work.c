#include "data/transforms/transform.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

void work_release(struct work *self)
{
    for (int i = 0; i < 3; i++) free(self->buffer[i]);
    free(self->weight);
    free(self->fixed);
    free(self->bound);
    free(self->scratch);
    *self = (struct work){0};
}

uint8_t *work_buffer(struct work *self, int width, int height)
{
    size_t bytes = (size_t)width * (size_t)height * 3;
    int i = self->next;
    if (self->image.pixels >= self->buffer[i] && self->image.pixels < self->buffer[i] + self->capacity[i])
        i = (i + 1) % 3;
    self->next = (i + 1) % 3;
    if (bytes > self->capacity[i]) {
        free(self->buffer[i]);
        self->buffer[i] = memory_try(bytes);
        if (!self->buffer[i]) lt_panic(__FILE__, __LINE__, "out of memory (%zu bytes for a picture)", bytes);
        self->capacity[i] = bytes;
    }
    return self->buffer[i];
}

static bool fits_out(const struct work *self, int width, int height)
{
    return self->out && width == self->out_width && height == self->out_height;
}

uint8_t *work_target(struct work *self, int width, int height)
{
    const size_t bytes = (size_t)width * (size_t)height * 3;
    const uint8_t *now = self->image.pixels;
    const bool is_free = fits_out(self, width, height) && !(now >= self->out && now < self->out + bytes);
    return is_free ? self->out : work_buffer(self, width, height);
}

uint8_t *work_over(struct work *self)
{
    const int width = self->image.width, height = self->image.height;
    return fits_out(self, width, height) ? self->out : work_buffer(self, width, height);
}

void work_set(struct work *self, const uint8_t *pixels, int width, int height)
{
    self->image = (struct image){.pixels = pixels, .width = width, .height = height, .stride = (size_t)width * 3};
    self->is_encoded = self->is_scaled = false;
}

void work_open(struct work *self, int height, int width, struct source source)
{
    work_set(self, NULL, width, height);
    self->source = source;
    self->is_encoded = true;
    self->part = (struct box){.height = height, .width = width};
    self->err = LT_OK;
}

void work_settle(struct work *self)
{
    if (self->is_scaled) {
        resize_settle(self);
    } else if (self->is_encoded) {
        const struct box part = self->part;
        work_set(self, work_decode(self, part), part.width, part.height);
    }
}

const uint8_t *work_decode(struct work *self, struct box part)
{
    const uint8_t *rgb;
    if (self->err == LT_OK) self->err = self->source.decode(self->source.context, part, &rgb);
    if (self->err == LT_OK) return rgb;
    uint8_t *black = work_buffer(self, part.width, part.height);
    memset(black, 0, (size_t)part.width * (size_t)part.height * 3);
    return black;
}

const struct planes *work_planes(struct work *self, struct box part)
{
    const struct planes *planes = NULL;
    const int height = self->image.height, width = self->image.width;
    if (self->err == LT_OK) self->err = self->source.planes(self->source.context, part, height, width, &planes);
    return self->err == LT_OK && planes->plane[0].pixels ? planes : NULL;
}

void image_crop(struct work *work, int top, int left, int height, int width)
{
    struct image *image = &work->image;
    lt_assert(top >= 0 && left >= 0 && height > 0 && width > 0 && top + height <= image->height &&
              left + width <= image->width);
    image->height = height;
    image->width = width;
    if (work->is_scaled) {
        work->top += top;
        work->left += left;
    } else if (work->is_encoded) {
        work->part = (struct box){work->part.top + top, work->part.left + left, height, width};
    } else {
        image->pixels += (size_t)top * image->stride + (size_t)left * 3;
    }
}

enum lt_err read_size(const struct reals *size, const struct setting *at, int *height, int *width)
{
    if (size->count < 1 || size->count > 2) return setting_fail(at, "the size is one number or [height, width]");
    for (size_t i = 0; i < size->count; i++)
        if (size->item[i] != (double)(int)size->item[i]) return setting_fail(at, "a size is a whole number of pixels");
    *height = (int)size->item[0];
    *width = size->count == 2 ? (int)size->item[1] : 0;
    return LT_OK;
}
