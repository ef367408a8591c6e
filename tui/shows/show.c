#include "tui/shows/show.h"

#include "tui/draw/thumbnail.h"

#include <math.h>
#include <string.h>

enum { PICTURE_COLUMNS = 24, PICTURE_ROWS = 11 };

const char *const show_sample_columns[4] = {"place", "loss", "is", "taken for"};

const char *show_class(const struct data_state *self, json_int_t index)
{
    const json_t *names = json_object_get(self->document[SHOW_classes].json, "names");
    const char *name = index >= 0 ? json_string_value(json_array_get(names, (size_t)index)) : NULL;
    return name ? name : "?";
}

json_int_t show_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void show_title(struct data_state *self, struct canvas *canvas, struct rect place, int column)
{
    static const struct show *const shows[SHOWS] = {
#define SHOW(name) &show_##name,
#include "tui/shows/shows.def"
#undef SHOW
    };
    sorting_title(&self->sorting[self->show], canvas, place, column, shows[self->show]->column[column]);
}

/* ---- samples ---- */

static double loss_of(const json_t *sample)
{
    const json_t *loss = json_object_get(sample, "loss");
    return json_is_number(loss) ? json_number_value(loss) : NAN;
}

void show_sample_text(const struct data_state *self, const json_t *sample, struct text *out)
{
    const char *path = json_string_value(json_object_get(sample, "path"));
    text_add(out, "%s\t%s\t%s\t%.6g", path ? path : "?", show_class(self, show_number(sample, "target")),
             show_class(self, show_number(sample, "predicted")), loss_of(sample));
}

double show_sample_key(const json_t *sample, int i, int column)
{
    const double loss = loss_of(sample);
    switch (column) {
    case 1: return isnan(loss) ? INFINITY : loss;
    case 2: return -(double)show_number(sample, "target");
    case 3: return -(double)show_number(sample, "predicted");
    default: return -i;
    }
}

/* ---- the grid ---- */

static void draw_words(const struct data_state *self, struct canvas *canvas, struct rect rect, const json_t *sample)
{
    const json_int_t target = show_number(sample, "target"), predicted = show_number(sample, "predicted");
    canvas_text(canvas, rect.x, rect.y, rect.width, predicted == target ? SLOT_GOOD : SLOT_BAD, "%s",
                show_class(self, predicted));
    canvas_text(canvas, rect.x, rect.y + 1, rect.width, SLOT_GOOD, "is %s, %.2f", show_class(self, target),
                loss_of(sample));
}

static void draw_one(struct data_state *self, struct canvas *canvas, struct rect rect, struct show_picture picture,
                     int at)
{
    const char *path = json_string_value(json_object_get(picture.sample, "path"));
    const struct rect box = {rect.x, rect.y, rect.width - 2, rect.height - 3};
    list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + rect.height - 3, rect.width, 2}, at);
    canvas_spot(canvas, (struct spot){.rect = rect, .kind = SPOT_ROW, .value = at, .list = &self->list});
    if (picture.pixels)
        thumbnail_draw_pixels(canvas, box,
                              &(struct thumbnail_pixels){picture.name, picture.pixels, picture.width, picture.height});
    else
        thumbnail_draw(canvas, box, path ? path : "");
    draw_words(self, canvas, (struct rect){rect.x + 2, rect.y + rect.height - 3, rect.width - 4, 2}, picture.sample);
}

/* "step 120, 3 of 16: flowers/daisy/1.jpg" and what they are sorted by. */
static void draw_chosen(struct data_state *self, struct canvas *canvas, struct rect row, const json_t *sample)
{
    const char *path = json_string_value(json_object_get(sample, "path"));
    int x = row.x;
    for (int i = 0; i < 4; i++) {
        const int width = (int)strlen(show_sample_columns[i]);
        if (x + width > row.x + row.width) return;
        show_title(self, canvas, (struct rect){x, row.y, width, 1}, i);
        x += width + 2;
    }
    canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_DIM, "step %" JSON_INTEGER_FORMAT ", %d of %d: %s",
                show_number(self->document[self->show].json, "step"), self->list.chosen + 1, self->count,
                path ? path : "");
}

void show_grid(struct data_state *self, struct canvas *canvas, struct rect rect, show_picture_of picture_of)
{
    list_settle(&self->list, self->count, 1, false);
    const struct rect head = rect_take(&rect, 1);
    const int columns = rect.width / PICTURE_COLUMNS > 0 ? rect.width / PICTURE_COLUMNS : 1,
              rows = rect.height / PICTURE_ROWS > 0 ? rect.height / PICTURE_ROWS : 1, page = columns * rows,
              first = self->list.chosen / page * page;
    self->rows = columns;
    if (self->count) draw_chosen(self, canvas, head, picture_of(self, self->row[self->list.chosen]).sample);
    for (int i = 0; i < page && first + i < self->count && rect.height >= 3; i++) { /* two rows are words */
        const int row = i / columns, column = i % columns;
        const struct rect cell = {rect.x + rect.width * column / columns, rect.y + rect.height * row / rows,
                                  rect.width / columns, rect.height / rows};
        draw_one(self, canvas, cell, picture_of(self, self->row[first + i]), first + i);
    }
}
