/* Pictures of a batch as the model got them, and what it took them for. */
#include "tui/shows/show.h"

#include "data/base/base64.h"
#include "data/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIDE_MAX = 256, PICTURES_MAX = 64 };

static const json_t *pictures(const struct data_state *self)
{
    return json_object_get(self->document[SHOW_batch].json, "pictures");
}

/* All pictures must be whole, else there are none. */
static void read_pixels(struct data_state *self)
{
    const json_t *json = self->document[SHOW_batch].json;
    const json_int_t height = show_number(json, "height"), width = show_number(json, "width");
    const size_t count = json_array_size(pictures(self));
    free(self->pixels);
    self->pixels = NULL;
    if (height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX || count > PICTURES_MAX) return;
    const size_t bytes = (size_t)height * (size_t)width * 3;
    uint8_t *pixels = memory_new(count + 1, bytes);
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        const char *rgb = json_string_value(json_object_get(json_array_get(pictures(self), i), "rgb"));
        good = rgb && base64_read(pixels + i * bytes, bytes, rgb);
    }
    self->height = (int)height;
    self->width = (int)width;
    if (good)
        self->pixels = pixels;
    else
        free(pixels);
}

static int size(const struct data_state *self, const struct feed *feed)
{
    (void)feed;
    return self->pixels ? (int)json_array_size(pictures(self)) : 0;
}

static double key(const struct data_state *self, int i, int column)
{
    return show_sample_key(json_array_get(pictures(self), (size_t)i), i, column);
}

static void text(const struct data_state *self, const struct feed *feed, int i, struct text *out)
{
    (void)feed;
    show_sample_text(self, json_array_get(pictures(self), (size_t)i), out);
}

static struct show_picture picture_of(const struct data_state *self, int i)
{
    static char name[64];
    snprintf(name, sizeof name, "batch %" JSON_INTEGER_FORMAT " %d",
             show_number(self->document[SHOW_batch].json, "step"), i);
    return (struct show_picture){.sample = json_array_get(pictures(self), (size_t)i),
                                 .name = name,
                                 .pixels = self->pixels + (size_t)i * (size_t)self->height * (size_t)self->width * 3,
                                 .height = self->height,
                                 .width = self->width};
}

static void draw(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    if (size(self, feed) == 0)
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    "no pictures of a batch yet; r asks for those of the next step");
    else
        show_grid(self, canvas, rect, picture_of);
}

const struct show show_batch = {.name = "batch",
                                .has_document = true,
                                .read = read_pixels,
                                .column = show_sample_columns,
                                .columns = 4,
                                .size = size,
                                .key = key,
                                .text = text,
                                .draw = draw};
