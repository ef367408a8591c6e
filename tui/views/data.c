/* The data: the loader's queue, classes and their sizes, the confusion matrix of the newest validation, the mistakes
 * that cost most with their pictures, files that cannot be read. */
#include "tui/draw/list.h"
#include "tui/draw/thumbnail.h"
#include "tui/feed/document.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOW_CLASSES, SHOW_CONFUSION, SHOW_MISTAKES, SHOW_BAD, SHOWS };
enum { NAME = 18, LEVELS = 8, PICTURE_COLUMNS = 24, PICTURE_ROWS = 11, CELLS_MAX = 512 };

struct data_view {
    int show, rows, count;
    struct list list;
    struct document classes, confusion, mistakes;
};

static void release(void *state)
{
    struct data_view *self = state;
    document_release(&self->classes);
    document_release(&self->confusion);
    document_release(&self->mistakes);
    thumbnail_release();
}

static const char *class_name(const struct data_view *self, json_int_t index)
{
    const char *name = json_string_value(json_array_get(json_object_get(self->classes.json, "names"), (size_t)index));
    return name ? name : "?";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* ---- the loader, above all ---- */

static void draw_loader(const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    const struct run_status *s = &feed->status;
    const double wait = s->step_ms > 0 ? 100 * s->phase_ms[SPAN_DATA] / s->step_ms : 0;
    int x = rect.x + canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_TEXT,
                                 "loader: %" PRId64 " of %" PRId64 " batches ready, %.0f pictures/s, ", s->queued,
                                 s->ring, s->samples_per_s);
    x += canvas_text(canvas, x, rect.y, rect.x + rect.width - x, wait > 10 ? SLOT_WARNING : SLOT_TEXT,
                     "%.0f %% of a step waits for data", wait);
    if (s->bad_files)
        canvas_text(canvas, x, rect.y, rect.x + rect.width - x, SLOT_BAD, ", %" PRId64 " files cannot be read",
                    s->bad_files);
}

/* ---- classes: a bar for each ---- */

static void draw_classes(struct data_view *self, struct canvas *canvas, struct rect rect)
{
    const json_t *train = json_object_get(self->classes.json, "train"),
                 *val = json_object_get(self->classes.json, "val");
    json_int_t most = 1;
    self->count = (int)json_array_size(train);
    for (int i = 0; i < self->count; i++) {
        const json_int_t size = json_integer_value(json_array_get(train, (size_t)i));
        if (size > most) most = size;
    }
    const int bar = rect.width - NAME - 20;
    if (rect.height < 1) return;
    canvas_text(canvas, rect.x + 2 + NAME, rect.y, rect.width - 2 - NAME, SLOT_DIM, "   train      val");
    rect_take(&rect, 1);
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i, y = rect.y + i;
        const json_int_t size = json_integer_value(json_array_get(train, (size_t)at));
        list_mark(&self->list, canvas, (struct rect){rect.x, y, rect.width, 1}, at);
        canvas_text(canvas, rect.x + 2, y, rect_room(rect, rect.x + 2, NAME - 1), SLOT_TEXT, "%s",
                    class_name(self, at));
        canvas_text(canvas, rect.x + 2 + NAME, y, rect_room(rect, rect.x + 2 + NAME, 8), size ? SLOT_VALUE : SLOT_BAD,
                    "%8" JSON_INTEGER_FORMAT, size);
        canvas_text(canvas, rect.x + 11 + NAME, y, rect_room(rect, rect.x + 11 + NAME, 8), SLOT_DIM,
                    "%8" JSON_INTEGER_FORMAT, json_integer_value(json_array_get(val, (size_t)at)));
        for (int x = 0; x < bar; x++)
            if ((double)x < (double)size / (double)most * bar)
                canvas_put(canvas, rect.x + 20 + NAME + x, y, canvas_glyph(canvas, GLYPH_BAR_FULL), SLOT_BAR);
    }
}

/* ---- the confusion matrix ---- */

static json_int_t element(const json_t *cell, size_t i)
{
    return json_integer_value(json_array_get(cell, i));
}

/* How many columns of the screen one of the matrix takes. */
static int cell_width(int width, int classes)
{
    return width / classes >= 5 ? 5 : width / classes >= 2 ? 2 : 1;
}

/* Rows are what is true, columns what was said; a row's colours are shares of its own sum. */
static void draw_matrix(struct canvas *canvas, struct rect rect, const json_t *cells, int classes, int top)
{
    static json_int_t sum[CELLS_MAX];
    const int wide = cell_width(rect.width, classes);
    size_t i;
    json_t *cell;
    memset(sum, 0, sizeof sum);
    json_array_foreach(cells, i, cell) if (element(cell, 0) >= 0 && element(cell, 0) < classes)
        sum[element(cell, 0)] += element(cell, 2);
    json_array_foreach(cells, i, cell)
    {
        const json_int_t row = element(cell, 0), column = element(cell, 1), count = element(cell, 2);
        const int x = rect.x + (int)column * wide, y = rect.y + (int)row - top;
        if (row < top || row >= top + rect.height || column < 0 || (column + 1) * wide > rect.width || !sum[row])
            continue;
        const int level = (int)((double)count / (double)sum[row] * (LEVELS - 1) + (row == column ? 0 : 0.999));
        for (int k = 0; k < wide; k++) canvas_heat(canvas, x + k, y, level);
        if (wide == 5)
            canvas_text(canvas, x, y, wide - 1, row == column ? SLOT_GOOD : SLOT_WARNING, "%4" JSON_INTEGER_FORMAT,
                        count);
    }
}

static void draw_columns(const struct data_view *self, struct canvas *canvas, struct rect row, int classes)
{
    const int width = row.width - 2 - NAME, wide = cell_width(width, classes);
    for (int i = 0; wide == 5 && i < classes; i++)
        canvas_text(canvas, row.x + 2 + NAME + i * wide, row.y, wide - 1, SLOT_TEXT, "%4s", class_name(self, i));
}

static void draw_confusion(struct data_view *self, struct canvas *canvas, struct rect rect)
{
    const json_t *cells = json_object_get(self->confusion.json, "cells");
    const int classes = (int)number(self->confusion.json, "classes");
    if (!cells || classes < 1 || classes > CELLS_MAX) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    cells ? "too many classes for a matrix on a screen" : "no validation yet; v validates now");
        return;
    }
    canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                "validation at step %" JSON_INTEGER_FORMAT
                "; rows: what is true, columns: what was said, in the same order",
                number(self->confusion.json, "step"));
    rect_take(&rect, 1);
    const struct rect names = rect_take(&rect, 1);
    if (names.height) draw_columns(self, canvas, names, classes);
    self->count = classes;
    self->rows = rect.height;
    list_settle(&self->list, classes, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < classes; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        canvas_text(canvas, rect.x + 2, rect.y + i, NAME - 1, SLOT_TEXT, "%s", class_name(self, at));
    }
    draw_matrix(canvas, (struct rect){rect.x + 2 + NAME, rect.y, rect.width - 2 - NAME, rect.height}, cells, classes,
                self->list.top);
}

/* ---- mistakes: pictures in a grid ---- */

static void draw_mistake(struct data_view *self, struct canvas *canvas, struct rect rect, int at)
{
    const json_t *sample = json_array_get(json_object_get(self->mistakes.json, "samples"), (size_t)at);
    const char *path = json_string_value(json_object_get(sample, "path"));
    const int words = rect.width - 2;
    thumbnail_draw(canvas, (struct rect){rect.x, rect.y, rect.width - 2, rect.height - 3}, path ? path : "");
    list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + rect.height - 3, rect.width, 2}, at);
    canvas_spot(canvas, (struct spot){.rect = rect, .kind = SPOT_ROW, .value = at, .list = &self->list});
    canvas_text(canvas, rect.x + 2, rect.y + rect.height - 3, words - 2, SLOT_BAD, "%s",
                class_name(self, number(sample, "predicted")));
    canvas_text(canvas, rect.x + 2, rect.y + rect.height - 2, words - 2, SLOT_GOOD, "is %s, %.2f",
                class_name(self, number(sample, "target")), json_real_value(json_object_get(sample, "loss")));
}

static void draw_mistakes(struct data_view *self, struct canvas *canvas, struct rect rect)
{
    const json_t *samples = json_object_get(self->mistakes.json, "samples");
    self->count = (int)json_array_size(samples);
    if (self->count == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    samples ? "the newest validation made no mistakes" : "no validation yet; v validates now");
        return;
    }
    list_settle(&self->list, self->count, 1, false);
    const char *path = json_string_value(json_object_get(json_array_get(samples, (size_t)self->list.chosen), "path"));
    canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "step %" JSON_INTEGER_FORMAT ", %d of %d: %s",
                number(self->mistakes.json, "step"), self->list.chosen + 1, self->count, path ? path : "");
    rect_take(&rect, 1);
    if (rect.height < 3) return; /* no room for the words below a picture */
    int columns = rect.width / PICTURE_COLUMNS, rows = rect.height / PICTURE_ROWS;
    if (columns < 1) columns = 1;
    if (rows < 1) rows = 1;
    self->rows = columns;
    const int page = columns * rows, first = self->list.chosen / page * page;
    for (int i = 0; i < page && first + i < self->count; i++) {
        const int row = i / columns, column = i % columns;
        const struct rect cell = {rect.x + rect.width * column / columns, rect.y + rect.height * row / rows,
                                  rect.width / columns, rect.height / rows};
        draw_mistake(self, canvas, cell, first + i);
    }
}

/* ---- files that cannot be read ---- */

static void draw_bad(struct data_view *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    int row = 0;
    self->count = 0;
    for (size_t i = feed->events; i-- > 0 && row < rect.height;) {
        if (strcmp(feed->event[i].kind, "bad_file") != 0) continue;
        canvas_text(canvas, rect.x, rect.y + row++, rect.width, SLOT_WARNING, "%s", feed->event[i].text);
    }
    if (row == 0)
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    "every file could be read; lathe data check reads all");
}

/* ---- the view ---- */

static void draw_head(const struct data_view *self, struct canvas *canvas, struct rect rect)
{
    static const char *const names[SHOWS] = {"classes", "confusion", "mistakes", "unreadable"};
    int x = rect.x;
    for (int i = 0; i < SHOWS; i++)
        x += 2 + canvas_text(canvas, x, rect.y, rect.x + rect.width - x, i == self->show ? SLOT_CHOSEN : SLOT_DIM, "%s",
                             names[i]);
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct data_view *self = state;
    if (app->feed.has_hello) {
        document_poll(&self->classes, app->feed.hello.folder, "classes");
        document_poll(&self->confusion, app->feed.hello.folder, "confusion");
        document_poll(&self->mistakes, app->feed.hello.folder, "mistakes");
    }
    draw_loader(&app->feed, canvas, rect_take(&rect, 1));
    draw_head(self, canvas, rect_take(&rect, 1));
    switch (self->show) {
    case SHOW_CLASSES: draw_classes(self, canvas, rect); break;
    case SHOW_CONFUSION: draw_confusion(self, canvas, rect); break;
    case SHOW_MISTAKES: draw_mistakes(self, canvas, rect); break;
    default: draw_bad(self, &app->feed, canvas, rect); break;
    }
}

static bool typed(struct app *app, void *state, int key)
{
    struct data_view *self = state;
    (void)app;
    if (self->show == SHOW_MISTAKES && (key == TERM_LEFT || key == TERM_RIGHT || key == 'h' || key == 'l')) {
        const int to = self->list.chosen + (key == TERM_LEFT || key == 'h' ? -1 : 1);
        if (to >= 0 && to < self->count) self->list.chosen = to;
        return true;
    }
    return list_key(&self->list, key, self->count, self->rows);
}

static void do_other(struct app *app, void *state)
{
    struct data_view *self = state;
    (void)app;
    self->show = (self->show + 1) % SHOWS;
    self->list = (struct list){0};
}

static void do_before(struct app *app, void *state)
{
    struct data_view *self = state;
    (void)app;
    self->show = (self->show + SHOWS - 1) % SHOWS;
    self->list = (struct list){0};
}

static const struct view_key keys[] = {
    {'o', '\n', "o Enter", "the next of classes, confusion, mistakes, unreadable", "next list", do_other},
    {'O', 'O', "O", "the one before", NULL, do_before},
};

const struct view view_data = {.name = "data",
                               .state_bytes = sizeof(struct data_view),
                               .release = release,
                               .draw = draw,
                               .typed = typed,
                               VIEW_KEYS(keys)};
