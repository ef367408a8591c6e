/* Every metric as a chart: a grid of pages, narrowed by a filter; Enter shows one alone. Training and validation of the
 * same metric share a chart. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <stdio.h>
#include <string.h>

enum { CHARTS_MAX = 4096, LEAST_COLUMNS = 36, LEAST_ROWS = 7 };

struct charts {
    struct list list;
    struct filter filter;
    bool alone;        /* the chosen one fills the view */
    int columns, rows; /* of the grid as it was drawn */
    int count;
    int metric[CHARTS_MAX]; /* of the feed: the first line of each chart */
};

/* What is behind "train/" or "val/", or the whole name. */
static const char *bare_name(const char *name)
{
    if (strncmp(name, "train/", 6) == 0) return name + 6;
    return strncmp(name, "val/", 4) == 0 ? name + 4 : name;
}

static int find_metric(const struct feed *feed, const char *stage, const char *bare)
{
    for (size_t i = 0; i < feed->metrics; i++) {
        const char *name = feed->metric[i].name;
        if (strncmp(name, stage, strlen(stage)) == 0 && strcmp(name + strlen(stage), bare) == 0) return (int)i;
    }
    return -1;
}

/* A validation metric that has a training one is drawn with it. */
static bool has_chart(const struct charts *self, const struct feed *feed, size_t i)
{
    const char *name = feed->metric[i].name;
    if (strncmp(name, "val/", 4) == 0 && find_metric(feed, "train/", name + 4) >= 0) return false;
    return filter_passes(&self->filter, name);
}

static void collect(struct charts *self, const struct feed *feed)
{
    self->count = 0;
    for (size_t i = 0; i < feed->metrics && self->count < CHARTS_MAX; i++)
        if (has_chart(self, feed, i)) self->metric[self->count++] = (int)i;
}

/* What a step's noise is in: its line is smoothed. A learning rate or a validation is what it is. */
static bool is_noisy(const char *name)
{
    return strncmp(name, "train/", 6) == 0 || strncmp(name, "grad_norm", 9) == 0;
}

static void draw_one(struct app *app, struct canvas *canvas, struct rect rect, int metric, bool chosen)
{
    const struct feed *feed = &app->feed;
    const char *name = feed->metric[metric].name, *bare = bare_name(name);
    const bool is_train = strncmp(name, "train/", 6) == 0;
    const int validation = is_train ? find_metric(feed, "val/", bare) : -1;
    const struct scope scope = view_scope(app);
    struct chart chart = {.title = is_train ? bare : name, .scope = &scope};
    chart.line[0] = (struct chart_line){&feed->metric[metric].series, is_train ? "train" : "", SLOT_TRAIN,
                                        is_noisy(name) ? SLOT_TRAIN_BAND : SLOT_TRAIN, false};
    if (validation >= 0)
        chart.line[1] = (struct chart_line){&feed->metric[validation].series, "val", SLOT_VALIDATION, SLOT_VALIDATION,
                                            true};
    if (chosen) canvas_put(canvas, rect.x, rect.y, canvas_glyph(canvas, GLYPH_RUNNING), SLOT_KEY);
    rect.x += 2;
    rect.width -= 2;
    chart_draw(canvas, rect, &chart);
}

static void draw_grid(struct app *app, struct charts *self, struct canvas *canvas, struct rect rect)
{
    self->columns = rect.width / LEAST_COLUMNS > 0 ? rect.width / LEAST_COLUMNS : 1;
    self->rows = rect.height / LEAST_ROWS > 0 ? rect.height / LEAST_ROWS : 1;
    if (self->columns > 4) self->columns = 4;
    while (self->rows > 1 && (self->rows - 1) * self->columns >= self->count) self->rows--;
    const int page = self->columns * self->rows, first = self->list.chosen / page * page;
    for (int i = 0; i < page && first + i < self->count; i++) {
        const int row = i / self->columns, column = i % self->columns, x = rect.width * column / self->columns,
                  y = rect.height * row / self->rows;
        const struct rect cell = {rect.x + x, rect.y + y, rect.width * (column + 1) / self->columns - x - 1,
                                  rect.height * (row + 1) / self->rows - y};
        draw_one(app, canvas, cell, self->metric[first + i], first + i == self->list.chosen);
    }
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct charts *self = state;
    collect(self, &app->feed);
    list_settle(&self->list, self->count, 1, false);
    const struct rect top = rect_take(&rect, 1);
    const int used = filter_draw(&self->filter, canvas, top.x, top.y, top.width);
    canvas_text(canvas, top.x + (used ? used + 2 : 0), top.y, top.width - used - 2, SLOT_DIM, "%d of %d charts%s",
                self->count ? self->list.chosen + 1 : 0, self->count, app->lens.log_y ? ", logarithmic" : "");
    if (self->count == 0)
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    self->filter.text[0] ? "no metric has that in its name; Esc shows all" : "no metrics yet");
    else if (self->alone)
        draw_one(app, canvas, rect, self->metric[self->list.chosen], false);
    else
        draw_grid(app, self, canvas, rect);
}

static bool typed(struct app *app, void *state, int key)
{
    struct charts *self = state;
    const int page = self->columns * self->rows, row = self->alone || !self->columns ? 1 : self->columns;
    (void)app;
    if (filter_key(&self->filter, key)) return true;
    if (key == TERM_UP || key == 'k' || key == TERM_DOWN || key == 'j') {
        const int to = self->list.chosen + (key == TERM_UP || key == 'k' ? -row : row);
        if (to >= 0 && to < self->count) self->list.chosen = to;
        return true;
    }
    return list_key(&self->list, key, self->count, page + 1);
}

static void do_open(struct app *app, void *state)
{
    (void)app;
    ((struct charts *)state)->alone = true;
}

static void do_close(struct app *app, void *state)
{
    (void)app;
    ((struct charts *)state)->alone = false;
}

static void do_step(struct charts *self, int by)
{
    if (self->list.chosen + by >= 0 && self->list.chosen + by < self->count) self->list.chosen += by;
}

static void do_next(struct app *app, void *state)
{
    (void)app;
    do_step(state, 1);
}

static void do_previous(struct app *app, void *state)
{
    (void)app;
    do_step(state, -1);
}

static void do_filter(struct app *app, void *state)
{
    (void)app;
    ((struct charts *)state)->filter.open = true;
}

static const struct view_key keys[] = {
    {'\n', '\n', "Enter", "the chosen chart alone", "alone", do_open},
    {27, 27, "Esc", "all charts again", NULL, do_close},
    {'/', '/', "/", "narrow by name, as you type", "filter", do_filter},
    {'n', 'n', "n", "the next chart", NULL, do_next},
    {'N', 'N', "N", "the chart before", NULL, do_previous},
};

const struct view view_charts = {.name = "charts",
                                 .state_bytes = sizeof(struct charts),
                                 .draw = draw,
                                 .typed = typed,
                                 VIEW_KEYS(keys),
                                 .has_charts = true};
