/* Classes: how many pictures each has, and how many of them the newest validation got right. */
#include "tui/shows/show.h"

#include <math.h>
#include <string.h>

enum { NAME = 18, NUMBER = 9, BAR = NAME + 3 * NUMBER + 2 };
enum column { BY_NAME, BY_TRAIN, BY_VAL, BY_RIGHT, COLUMNS };

static const char *const columns[COLUMNS] = {"class", "train", "val", "right"};

static json_int_t size_of(const struct data_state *self, const char *part, int i)
{
    return json_integer_value(json_array_get(json_object_get(self->document[SHOW_classes].json, part), (size_t)i));
}

static int size(const struct data_state *self, const struct feed *feed)
{
    (void)feed;
    return (int)json_array_size(json_object_get(self->document[SHOW_classes].json, "train"));
}

/* The worst class first. */
static double key(const struct data_state *self, int i, int column)
{
    switch ((enum column)column) {
    case BY_TRAIN: return (double)size_of(self, "train", i);
    case BY_VAL: return (double)size_of(self, "val", i);
    case BY_RIGHT: return -fmin(show_right(self, i), 2);
    case BY_NAME:
    case COLUMNS: break;
    }
    return 0;
}

static void text(const struct data_state *self, const struct feed *feed, int i, struct text *out)
{
    const double right = show_right(self, i);
    (void)feed;
    text_add(out, "%s\t%" JSON_INTEGER_FORMAT "\t%" JSON_INTEGER_FORMAT "\t", show_class(self, i),
             size_of(self, "train", i), size_of(self, "val", i));
    if (!isnan(right)) text_add(out, "%.4f", right);
}

static void draw_titles(struct data_state *self, struct canvas *canvas, struct rect row)
{
    show_title(self, canvas, (struct rect){row.x + 2, row.y, NAME - 1, 1}, BY_NAME);
    for (int i = BY_TRAIN; i < COLUMNS; i++) {
        const int x = row.x + 2 + NAME + NUMBER * i - (int)strlen(columns[i]);
        if (rect_room(row, x - 1, NUMBER) < NUMBER - 1) return;
        show_title(self, canvas, (struct rect){x - 1, row.y, (int)strlen(columns[i]), 1}, i);
    }
}

static void draw_row(struct data_state *self, struct canvas *canvas, struct rect row, int i, json_int_t most)
{
    const json_int_t train = size_of(self, "train", i);
    const int x = row.x + 2 + NAME, bar = row.width - BAR;
    const double right = show_right(self, i);
    canvas_text(canvas, row.x + 2, row.y, rect_room(row, row.x + 2, NAME - 1), SLOT_TEXT, "%s", show_class(self, i));
    canvas_text(canvas, x, row.y, rect_room(row, x, NUMBER - 1), train ? SLOT_VALUE : SLOT_BAD,
                "%8" JSON_INTEGER_FORMAT, train);
    canvas_text(canvas, x + NUMBER, row.y, rect_room(row, x + NUMBER, NUMBER - 1), SLOT_DIM, "%8" JSON_INTEGER_FORMAT,
                size_of(self, "val", i));
    if (!isnan(right))
        canvas_text(canvas, x + 2 * NUMBER, row.y, rect_room(row, x + 2 * NUMBER, NUMBER - 1),
                    right < 0.5 ? SLOT_BAD : SLOT_VALUE, "%6.1f %%", 100 * right);
    for (int k = 0; k < bar; k++)
        if ((double)k < (double)train / (double)most * bar)
            canvas_put(canvas, row.x + BAR + k, row.y, canvas_glyph(canvas, GLYPH_BAR_FULL), SLOT_BAR);
}

static void draw(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    json_int_t most = 1;
    for (int i = 0; i < size(self, feed); i++)
        if (size_of(self, "train", i) > most) most = size_of(self, "train", i);
    draw_titles(self, canvas, rect_take(&rect, 1));
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const struct rect row = {rect.x, rect.y + i, rect.width, 1};
        list_mark(&self->list, canvas, row, self->list.top + i);
        draw_row(self, canvas, row, self->row[self->list.top + i], most);
    }
}

const struct show show_classes = {.name = "classes",
                                  .has_document = true,
                                  .column = columns,
                                  .columns = COLUMNS,
                                  .size = size,
                                  .key = key,
                                  .text = text,
                                  .draw = draw};
