#include "tui/draw/thumbnail.h"

#include "data/base/memory.h"
#include "data/codecs/codec.h"
#include "data/transforms/transform.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP = 64, MOST_PIXELS = 64 << 20 };

/* One picture at one size. */
struct kept {
    char *path;
    int width, height; /* asked for, in pixels */
    uint8_t *rgb;      /* [height of the picture][width of it][3]; NULL: it cannot be decoded */
    int shown_width, shown_height;
    char *why;
    unsigned used;
};

static struct kept kept[KEEP];
static unsigned uses;

static void forget(struct kept *self)
{
    free(self->path);
    free(self->rgb);
    free(self->why);
    *self = (struct kept){0};
}

void thumbnail_release(void)
{
    for (int i = 0; i < KEEP; i++) forget(&kept[i]);
}

/* The largest size of the picture's shape in the box. */
static void fit(struct kept *self, int width, int height)
{
    self->shown_width = self->width;
    self->shown_height = (int)((double)self->width * height / width + 0.5);
    if (self->shown_height > self->height) {
        self->shown_height = self->height;
        self->shown_width = (int)((double)self->height * width / height + 0.5);
    }
    if (self->shown_width < 1) self->shown_width = 1;
    if (self->shown_height < 1) self->shown_height = 1;
}

static enum lt_err decode(struct kept *self)
{
    struct picture picture = {0};
    struct work work = {.pillow = 13};
    char *bytes;
    size_t length;
    LT_TRY(picture_file(&bytes, &length, self->path));
    enum lt_err err = picture_decode(&picture, (const uint8_t *)bytes, length, MOST_PIXELS);
    free(bytes);
    if (err == LT_OK) {
        fit(self, picture.width, picture.height);
        work_set(&work, picture.rgb, picture.width, picture.height);
        image_resize(&work, self->shown_height, self->shown_width);
        work_settle(&work);
        const size_t row = (size_t)self->shown_width * 3;
        self->rgb = memory_new((size_t)self->shown_height * row, 1);
        for (int y = 0; y < self->shown_height; y++)
            memcpy(self->rgb + (size_t)y * row, work.image.pixels + (size_t)y * work.image.stride, row);
    }
    work_release(&work);
    picture_release(&picture);
    return err;
}

static struct kept *find(const char *path, int width, int height)
{
    struct kept *oldest = &kept[0];
    for (int i = 0; i < KEEP; i++) {
        struct kept *self = &kept[i];
        if (self->path && self->width == width && self->height == height && strcmp(self->path, path) == 0) return self;
        if (self->used < oldest->used) oldest = self;
    }
    forget(oldest);
    oldest->path = memory_text(path);
    oldest->width = width;
    oldest->height = height;
    if (decode(oldest) != LT_OK) oldest->why = memory_text(lt_message());
    return oldest;
}

static int brightness(const uint8_t *rgb)
{
    return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]) / 1000;
}

void thumbnail_draw(struct canvas *canvas, struct rect rect, const char *path)
{
    static const char letters[] = " .:-=+*#%@";
    if (rect.width < 1 || rect.height < 1) return;
    struct kept *self = find(path, rect.width, rect.height * 2);
    self->used = ++uses;
    if (!self->rgb) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_BAD, "%s", self->why);
        return;
    }
    for (int y = 0; y < self->shown_height; y += 2)
        for (int x = 0; x < self->shown_width; x++) {
            const uint8_t *top = self->rgb + ((size_t)y * (size_t)self->shown_width + (size_t)x) * 3,
                          *under = y + 1 < self->shown_height ? top + (size_t)self->shown_width * 3 : top;
            const int light = (brightness(top) + brightness(under)) / 2;
            canvas_pixels(canvas, rect.x + x, rect.y + y / 2, top, under, (uint32_t)letters[light * 9 / 255]);
        }
}
