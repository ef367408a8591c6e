/* The confusion matrix of the newest validation. */
#include "tui/shows/show.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { NAME = 18, LEVELS = HEAT_LEVELS, CLASSES_MAX = 512 /* in a matrix on a screen */, SCORES_MAX = 1 << 20 };

static const char *const columns[] = {"class", "right"};

static json_int_t element(const json_t *cell, size_t i)
{
    return json_integer_value(json_array_get(cell, i));
}

static const json_t *cells_of(const struct data_state *self)
{
    return json_object_get(self->document[SHOW_confusion].json, "cells");
}

double show_right(const struct data_state *self, int class_index)
{
    const struct class_score *score = class_index < self->scores ? &self->score[class_index] : NULL;
    return score && score->pictures > 0 ? (double)score->right / (double)score->pictures : NAN;
}

/* Is it [a class, a class, how many]? */
static bool is_cell(const json_t *cell, int classes)
{
    return element(cell, 0) >= 0 && element(cell, 0) < classes && element(cell, 1) >= 0 && element(cell, 1) < classes &&
           element(cell, 2) > 0;
}

static void read_scores(struct data_state *self)
{
    const json_int_t classes = show_number(self->document[SHOW_confusion].json, "classes");
    size_t i;
    json_t *cell;
    free(self->score);
    self->scores = classes > 0 && classes <= SCORES_MAX ? (int)classes : 0;
    self->score = memory_new((size_t)self->scores + 1, sizeof *self->score);
    json_array_foreach(cells_of(self), i, cell)
    {
        if (!is_cell(cell, self->scores)) continue;
        struct class_score *score = &self->score[element(cell, 0)];
        score->pictures += element(cell, 2);
        if (element(cell, 0) == element(cell, 1)) score->right += element(cell, 2);
    }
}

static int size(const struct data_state *self, const struct feed *feed)
{
    (void)feed;
    return cells_of(self) && self->scores <= CLASSES_MAX ? self->scores : 0;
}

static double key(const struct data_state *self, int i, int column)
{
    return column ? -fmin(show_right(self, i), 2) : 0;
}

/* The class, its pictures, what they were taken for. */
static void text(const struct data_state *self, const struct feed *feed, int i, struct text *out)
{
    size_t k;
    json_t *cell;
    (void)feed;
    text_add(out, "%s", show_class(self, i));
    json_array_foreach(cells_of(self), k, cell) if (element(cell, 0) == i)
        text_add(out, "\t%s: %" JSON_INTEGER_FORMAT, show_class(self, element(cell, 1)), element(cell, 2));
}

/* How many columns of the screen one of the matrix takes. */
static int cell_width(int width, int classes)
{
    return width / classes >= 5 ? 5 : width / classes >= 2 ? 2 : 1;
}

static void draw_cell(struct canvas *canvas, struct rect cell, json_int_t count, double share, bool right)
{
    const int level = (int)(share * (LEVELS - 1) + (right ? 0 : 0.999));
    for (int k = 0; k < cell.width; k++) canvas_heat(canvas, cell.x + k, cell.y, level);
    if (cell.width == 5)
        canvas_text(canvas, cell.x, cell.y, cell.width - 1, right ? SLOT_GOOD : SLOT_WARNING, "%4" JSON_INTEGER_FORMAT,
                    count);
}

/* Rows are what is true, columns what was said; a row's colours are shares of its own sum. */
static void draw_matrix(const struct data_state *self, struct canvas *canvas, struct rect rect)
{
    static int place[CLASSES_MAX]; /* of a class on the screen; -1: it is not there */
    const int wide = cell_width(rect.width, self->scores);
    size_t i;
    json_t *cell;
    for (int k = 0; k < self->scores; k++) place[k] = -1;
    for (int k = 0; k < rect.height && self->list.top + k < self->count; k++) place[self->row[self->list.top + k]] = k;
    json_array_foreach(cells_of(self), i, cell)
    {
        const json_int_t row = element(cell, 0), column = element(cell, 1), count = element(cell, 2);
        if (!is_cell(cell, self->scores) || place[row] < 0 || (column + 1) * wide > rect.width) continue;
        draw_cell(canvas, (struct rect){rect.x + (int)column * wide, rect.y + place[row], wide, 1}, count,
                  (double)count / (double)self->score[row].pictures, row == column);
    }
}

static void draw_columns(const struct data_state *self, struct canvas *canvas, struct rect row, int classes)
{
    const int width = row.width - 2 - NAME, wide = cell_width(width, classes);
    for (int i = 0; wide == 5 && i < classes; i++)
        canvas_text(canvas, row.x + 2 + NAME + i * wide, row.y, wide - 1, SLOT_TEXT, "%4s", show_class(self, i));
}

static void draw(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    const int classes = size(self, feed);
    if (classes == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    cells_of(self) ? "too many classes for a matrix on a screen"
                                   : "no validation yet; v validates now");
        return;
    }
    canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                "validation at step %" JSON_INTEGER_FORMAT
                "; rows: what is true, columns: what was said, in the same order",
                show_number(self->document[SHOW_confusion].json, "step"));
    rect_take(&rect, 1);
    const struct rect names = rect_take(&rect, 1);
    if (names.height) draw_columns(self, canvas, names, classes);
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        canvas_text(canvas, rect.x + 2, rect.y + i, NAME - 1, SLOT_TEXT, "%s", show_class(self, self->row[at]));
    }
    draw_matrix(self, canvas, (struct rect){rect.x + 2 + NAME, rect.y, rect.width - 2 - NAME, rect.height});
}

const struct show show_confusion = {.name = "confusion",
                                    .has_document = true,
                                    .read = read_scores,
                                    .column = columns,
                                    .columns = sizeof columns / sizeof *columns,
                                    .size = size,
                                    .key = key,
                                    .text = text,
                                    .draw = draw};
