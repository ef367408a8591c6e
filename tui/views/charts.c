/* Every metric as a chart: a grid of pages, narrowed by a filter; Enter shows one alone. Training and validation of the
 * same metric share a chart. */
#include "engine/log/family.h"
#include "tui/draw/export.h"
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <stdio.h>
#include <stdlib.h>
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

/* Gradients and System show the families of the log; charts of them, but for the norms, are there when they are looked
 * for. */
static bool is_of_another_view(const char *name)
{
    for (int i = 0; i < FAMILIES; i++) {
        const char *prefix = family_at((enum log_family)i)->prefix;
        const size_t length = prefix && i != FAMILY_NORM ? strlen(prefix) : 0;
        if (length && strncmp(name, prefix, length) == 0 && name[length] == '/') return true;
    }
    return false;
}

/* A validation metric that has a training one is drawn with it, unless runs are compared. */
static bool has_chart(const struct charts *self, const struct feed *feed, size_t i, bool compares)
{
    const char *name = feed->metric[i].name;
    if (!compares && strncmp(name, "val/", 4) == 0 && find_metric(feed, "train/", name + 4) >= 0) return false;
    if (!self->filter.text[0] && is_of_another_view(name)) return false;
    return filter_passes(&self->filter, name);
}

static void collect(struct charts *self, const struct app *app)
{
    const struct feed *feed = &app->feed;
    self->count = 0;
    for (size_t i = 0; i < feed->metrics && self->count < CHARTS_MAX; i++)
        if (has_chart(self, feed, i, app->others > 0)) self->metric[self->count++] = (int)i;
}

/* What a step's noise is in: its line is smoothed. A learning rate or a validation is what it is. */
static bool is_noisy(const char *name)
{
    return strncmp(name, "train/", 6) == 0 || strncmp(name, "grad_norm", 9) == 0;
}

static const enum theme_slot run_slots[CHART_LINES] = {SLOT_TRAIN, SLOT_VALIDATION, SLOT_RATE, SLOT_GRADIENT,
                                                       SLOT_BAD,   SLOT_WARNING,    SLOT_KEY,  SLOT_DIM};

/* What tells a run from the others: its version where all have one name. */
static const char *run_label(const struct app *app, const struct feed *feed)
{
    const char *name = feed->has_hello ? feed->hello.name : "?", *slash = strrchr(name, '/');
    if (!slash) return name;
    const size_t length = (size_t)(slash + 1 - name);
    for (size_t i = 0; i < app->others; i++)
        if (!app->other[i].has_hello || strncmp(app->other[i].hello.name, name, length) != 0) return name;
    return app->feed.has_hello && strncmp(app->feed.hello.name, name, length) == 0 ? slash + 1 : name;
}

static const struct feed *run_at(const struct app *app, size_t i)
{
    return i == 0 ? &app->feed : &app->other[i - 1];
}

static void add_line(struct chart *chart, int *lines, const struct feed *feed, const char *metric, const char *label)
{
    if (*lines == CHART_LINES) return;
    chart->line[*lines] = (struct chart_line){.series = feed_series(feed, metric),
                                              .label = label,
                                              .slot = run_slots[*lines],
                                              .band = run_slots[*lines],
                                              .letter = (char)('A' + *lines)};
    ++*lines;
}

/* The metric of each run, one line a run: of those that are marked, if any is. */
static void compare_runs(struct chart *chart, const struct app *app, const char *name)
{
    int lines = 0;
    chart->compares = true;
    for (size_t i = 0; i <= app->others; i++)
        if (marks_show_run(&app->marks, i))
            add_line(chart, &lines, run_at(app, i), name, run_label(app, run_at(app, i)));
}

/* All marked metrics in one chart, of each run that is shown. */
static void make_marked(struct chart *chart, const struct app *app, const struct scope *scope)
{
    int lines = 0;
    *chart = (struct chart){.title = "marked", .scope = scope};
    for (size_t k = 0; k < app->marks.metrics; k++)
        for (size_t i = 0; i <= app->others; i++)
            if (marks_show_run(&app->marks, i))
                add_line(chart, &lines, run_at(app, i), app->marks.metric[k], app->marks.metric[k]);
}

static void make_chart(struct chart *chart, const struct app *app, const struct scope *scope, int metric)
{
    const struct feed *feed = &app->feed;
    const char *name = feed->metric[metric].name, *bare = bare_name(name);
    const bool is_train = strncmp(name, "train/", 6) == 0 && !app->others;
    const int validation = is_train ? find_metric(feed, "val/", bare) : -1;
    *chart = (struct chart){.title = is_train ? bare : name, .scope = scope};
    if (app->others) {
        compare_runs(chart, app, name);
        return;
    }
    chart->line[0] = (struct chart_line){.series = &feed->metric[metric].series,
                                         .label = is_train ? "train" : "",
                                         .slot = SLOT_TRAIN,
                                         .band = is_noisy(name) ? SLOT_TRAIN_BAND : SLOT_TRAIN};
    if (validation >= 0)
        chart->line[1] = (struct chart_line){.series = &feed->metric[validation].series,
                                             .label = "val",
                                             .slot = SLOT_VALIDATION,
                                             .band = SLOT_VALIDATION,
                                             .points = true};
}

/* What stands alone: all that is marked, else the chosen one. */
static void make_alone(struct chart *chart, const struct app *app, const struct scope *scope, const struct charts *self)
{
    if (app->marks.metrics)
        make_marked(chart, app, scope);
    else
        make_chart(chart, app, scope, self->metric[self->list.chosen]);
}

static void draw_one(const struct app *app, const struct scope *scope, struct canvas *canvas, struct rect rect,
                     int metric)
{
    struct chart chart;
    make_chart(&chart, app, scope, metric);
    if (marks_has_metric(&app->marks, app->feed.metric[metric].name))
        canvas_put(canvas, rect.x + 1, rect.y, canvas_glyph(canvas, GLYPH_DIAMOND), SLOT_KEY);
    chart_draw(canvas, (struct rect){rect.x + 2, rect.y, rect.width - 2, rect.height}, &chart);
}

static void draw_alone(const struct app *app, const struct scope *scope, const struct charts *self,
                       struct canvas *canvas, struct rect rect)
{
    struct chart chart;
    make_alone(&chart, app, scope, self);
    chart_draw(canvas, (struct rect){rect.x + 2, rect.y, rect.width - 2, rect.height}, &chart);
}

static void draw_grid(const struct app *app, const struct scope *scope, struct charts *self, struct canvas *canvas,
                      struct rect rect)
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
        list_mark(&self->list, canvas, cell, first + i);
        draw_one(app, scope, canvas, cell, self->metric[first + i]);
    }
}

/* How many are marked, at the right. */
static void draw_marked(const struct app *app, struct canvas *canvas, struct rect row)
{
    enum { WORDS = 34 };
    if (app->marks.metrics && row.width > 2 * WORDS)
        canvas_text(canvas, row.x + row.width - WORDS, row.y, WORDS, SLOT_KEY, "%3zu marked: Enter, u forgets",
                    app->marks.metrics);
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct charts *self = state;
    const struct scope scope = view_scope(app);
    collect(self, app);
    list_settle(&self->list, self->count, 1, false);
    const struct rect top = rect_take(&rect, 1);
    const int used = filter_draw(&self->filter, canvas, top.x, top.y, top.width);
    canvas_text(canvas, top.x + (used ? used + 2 : 0), top.y, top.width - used - 2, SLOT_DIM, "%d of %d charts%s",
                self->count ? self->list.chosen + 1 : 0, self->count, app->lens.log_y ? ", logarithmic" : "");
    draw_marked(app, canvas, top);
    if (self->count == 0)
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    self->filter.text[0] ? "no metric has that in its name; Esc shows all" : "no metrics yet");
    else if (self->alone)
        draw_alone(app, &scope, self, canvas, rect);
    else
        draw_grid(app, &scope, self, canvas, rect);
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

/* The chosen chart as CSV, SVG and PNG in the run's folder, and its CSV into the clipboard. */
static void do_export(struct app *app, void *state)
{
    const struct charts *self = state;
    const struct scope scope = view_scope(app);
    struct chart chart;
    char *where;
    if (self->count == 0 || !app->feed.has_hello) return;
    if (self->alone)
        make_alone(&chart, app, &scope, self);
    else
        make_chart(&chart, app, &scope, self->metric[self->list.chosen]);
    text_clear(&app->copy);
    export_csv(&app->copy, &chart);
    if (export_files(&where, &chart, app->feed.hello.folder, chart.title) != LT_OK) {
        snprintf(app->note, sizeof app->note, "not written: %.200s", lt_message());
        return;
    }
    snprintf(app->note, sizeof app->note, "written: %.220s.csv, .svg and .png", where);
    free(where);
}

static void do_mark(struct app *app, void *state)
{
    const struct charts *self = state;
    if (self->count) marks_turn_metric(&app->marks, app->feed.metric[self->metric[self->list.chosen]].name);
}

static void do_forget(struct app *app, void *state)
{
    (void)state;
    marks_release(&app->marks);
}

static const struct view_key keys[] = {
    {'\n', '\n', "Enter", "the chosen chart alone; all that is marked in one", "alone", do_open},
    {' ', ' ', "Space", "mark the chosen chart, or no longer", "mark", do_mark},
    {'u', 'u', "u", "forget all marks", NULL, do_forget},
    {27, 27, "Esc", "all charts again", NULL, do_close},
    {'/', '/', "/", "narrow by name, as you type", "filter", do_filter},
    {'Y', 'Y', "Y", "write it as CSV, SVG and PNG; the CSV is copied, too", "export", do_export},
    {'n', 'n', "n", "the next chart", NULL, do_next},
    {'N', 'N', "N", "the chart before", NULL, do_previous},
};

const struct view view_charts = {.name = "charts",
                                 .state_bytes = sizeof(struct charts),
                                 .draw = draw,
                                 .typed = typed,
                                 VIEW_KEYS(keys),
                                 .has_charts = true};
