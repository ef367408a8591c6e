#include "tui/draw/thumbnail.h"

#include "data/base/memory.h"
#include "data/codecs/codec.h"
#include "data/transforms/transform.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP = 64, MOST_PIXELS = 64 << 20, FULL_SIDE = 160 };

/* One picture at one size. */
struct kept {
    char *name;        /* a file's path, or what pixels go by */
    int width, height; /* asked for, in pixels */
    uint8_t *rgb;      /* [height of the picture][width of it][3]; NULL: it cannot be decoded */
    int shown_width, shown_height;
    uint8_t *full; /* for terminals that show pixels: at most FULL_SIDE wide and high */
    int full_width, full_height;
    char *why;
    unsigned used;
};

static struct kept kept[KEEP];
static unsigned uses;

static void forget(struct kept *self)
{
    free(self->name);
    free(self->rgb);
    free(self->full);
    free(self->why);
    *self = (struct kept){0};
}

void thumbnail_release(void)
{
    for (int i = 0; i < KEEP; i++) forget(&kept[i]);
}

/* The largest size of a picture's shape in a box. */
static void fit(int width, int height, int box_width, int box_height, int *shown_width, int *shown_height)
{
    *shown_width = box_width;
    *shown_height = (int)((double)box_width * height / width + 0.5);
    if (*shown_height > box_height) {
        *shown_height = box_height;
        *shown_width = (int)((double)box_height * width / height + 0.5);
    }
    if (*shown_width < 1) *shown_width = 1;
    if (*shown_height < 1) *shown_height = 1;
}

/* A copy in another size. */
static uint8_t *scaled(const uint8_t *rgb, int width, int height, int to_width, int to_height)
{
    struct work work = {.pillow = 13};
    work_set(&work, rgb, width, height);
    image_resize(&work, to_height, to_width);
    work_settle(&work);
    const size_t row = (size_t)to_width * 3;
    uint8_t *copy = memory_new((size_t)to_height * row, 1);
    for (int y = 0; y < to_height; y++)
        memcpy(copy + (size_t)y * row, work.image.pixels + (size_t)y * work.image.stride, row);
    work_release(&work);
    return copy;
}

/* Takes over pixels, [height][width][3], in the sizes that fit. */
static void take(struct kept *self, const uint8_t *rgb, int width, int height)
{
    const int side = width > height ? width : height, most = side < FULL_SIDE ? side : FULL_SIDE;
    fit(width, height, self->width, self->height, &self->shown_width, &self->shown_height);
    fit(width, height, most, most, &self->full_width, &self->full_height);
    self->rgb = scaled(rgb, width, height, self->shown_width, self->shown_height);
    self->full = scaled(rgb, width, height, self->full_width, self->full_height);
}

static enum lt_err decode(struct kept *self)
{
    struct picture picture = {0};
    char *bytes;
    size_t length;
    LT_TRY(picture_file(&bytes, &length, self->name));
    const enum lt_err err = picture_decode(&picture, (const uint8_t *)bytes, length, MOST_PIXELS);
    free(bytes);
    if (err == LT_OK) take(self, picture.rgb, picture.width, picture.height);
    picture_release(&picture);
    return err;
}

/* The picture of a name at a size; if it is new, *fresh, and empty. */
static struct kept *find(const char *name, int width, int height, bool *fresh)
{
    struct kept *oldest = &kept[0];
    *fresh = false;
    for (int i = 0; i < KEEP; i++) {
        struct kept *self = &kept[i];
        if (self->name && self->width == width && self->height == height && strcmp(self->name, name) == 0) {
            self->used = ++uses;
            return self;
        }
        if (self->used < oldest->used) oldest = self;
    }
    forget(oldest);
    *oldest = (struct kept){.name = memory_text(name), .width = width, .height = height, .used = ++uses};
    *fresh = true;
    return oldest;
}

static int brightness(const uint8_t *rgb)
{
    return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2]) / 1000;
}

/* By its name: whatever the size on the screen, the terminal is sent it once. */
static uint32_t id_of(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash ? hash : 1;
}

static void note_full(const struct kept *self, struct canvas *canvas, struct rect rect)
{
    canvas_picture(canvas,
                   (struct canvas_picture){.rect = {rect.x, rect.y, self->shown_width, (self->shown_height + 1) / 2},
                                           .id = id_of(self->name),
                                           .width = self->full_width,
                                           .height = self->full_height,
                                           .rgb = self->full});
}

static void draw(const struct kept *self, struct canvas *canvas, struct rect rect)
{
    static const char letters[] = " .:-=+*#%@";
    if (!self->rgb) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_BAD, "%s", self->why);
        return;
    }
    note_full(self, canvas, rect);
    if (canvas->has_pixels) return; /* the terminal shows it */
    for (int y = 0; y < self->shown_height; y += 2)
        for (int x = 0; x < self->shown_width; x++) {
            const uint8_t *top = self->rgb + ((size_t)y * (size_t)self->shown_width + (size_t)x) * 3,
                          *under = y + 1 < self->shown_height ? top + (size_t)self->shown_width * 3 : top;
            const int light = (brightness(top) + brightness(under)) / 2;
            canvas_pixels(canvas, rect.x + x, rect.y + y / 2, top, under, (uint32_t)letters[light * 9 / 255]);
        }
}

void thumbnail_draw(struct canvas *canvas, struct rect rect, const char *path)
{
    bool fresh;
    if (rect.width < 1 || rect.height < 1) return;
    struct kept *self = find(path, rect.width, rect.height * 2, &fresh);
    if (fresh && decode(self) != LT_OK) self->why = memory_text(lt_message());
    draw(self, canvas, rect);
}

void thumbnail_draw_pixels(struct canvas *canvas, struct rect rect, const struct thumbnail_pixels *pixels)
{
    bool fresh;
    if (rect.width < 1 || rect.height < 1) return;
    struct kept *self = find(pixels->name, rect.width, rect.height * 2, &fresh);
    if (fresh) take(self, pixels->rgb, pixels->width, pixels->height);
    draw(self, canvas, rect);
}
