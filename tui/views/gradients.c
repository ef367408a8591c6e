/* Gradients: a table of parameters (norm of the gradient, how much an update changes the parameter, zeros, values that
 * are not finite), the norms as a heat map over the newest steps, and the warnings. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMETERS_MAX = 4096, HEAT_LEAST = 16, LEVELS = 8 };

/* The order of columns is that in which they go where there is no room. */
enum column { NAME, NORM, RATIO, ZEROS, NONFINITE, MOST, COLUMNS };

static const struct {
    const char *title, *prefix; /* of its metrics */
    int width;
} columns[COLUMNS] = {
    [NAME] = {.title = "parameter"},
    [NORM] = {"norm", "grad_norm/", 11},
    [RATIO] = {"update", "update_ratio/", 10},
    [ZEROS] = {"zero %", "grad_zeros/", 8},
    [NONFINITE] = {"nonfinite", "grad_nonfinite/", 10},
    [MOST] = {"most norm", NULL, 11},
};

/* The name and the series are lent by the feed, until it takes in more. */
struct parameter {
    const char *name;
    size_t metric;                        /* of the feed: its norm */
    const struct series *series[COLUMNS]; /* NULL: none */
    double value[COLUMNS];                /* where the crosshair is, or the newest; NaN: unknown */
    double key;                           /* by which it is sorted, the greatest first */
    int place;                            /* in the model */
};

struct gradients {
    struct list list;
    struct filter filter;
    struct sorting sorting;
    int rows, count;
    struct parameter parameter[PARAMETERS_MAX];
};

/* ---- what there is ---- */

/* Columns of one parameter come in the order of parameters: so the metric is where it should be, or it is looked for.
 */
static const struct series *find(const struct feed *feed, enum column column, size_t first, int place, const char *name)
{
    char metric[512];
    const size_t at = first + (size_t)place;
    snprintf(metric, sizeof metric, "%s%.440s", columns[column].prefix, name);
    if (at < feed->metrics && strcmp(feed->metric[at].name, metric) == 0) return &feed->metric[at].series;
    return first < feed->metrics ? feed_series(feed, metric) : NULL;
}

static size_t first_of(const struct feed *feed, enum column column)
{
    size_t i = 0;
    while (i < feed->metrics &&
           strncmp(feed->metric[i].name, columns[column].prefix, strlen(columns[column].prefix)) != 0)
        i++;
    return i;
}

static double value_at(const struct series *series, const struct scope *scope)
{
    const size_t count = series && scope->has_cursor ? series_find(series, scope->cursor + 1)
                         : series                    ? series->count
                                                     : 0;
    return count ? series->point[count - 1].value : (double)NAN;
}

static void measure(struct parameter *self, const struct scope *scope)
{
    const struct series *norm = self->series[NORM];
    const struct series_bucket all = series_range(norm, series_find(norm, scope->first),
                                                  series_find(norm, scope->last + 1));
    for (int i = NORM; i < COLUMNS; i++) self->value[i] = value_at(self->series[i], scope);
    self->value[ZEROS] *= 100;
    if (all.low <= all.high) self->value[MOST] = (double)all.high;
}

/* A norm that is no number comes first: that is what one looks for. */
static double key_of(const struct parameter *self, int column)
{
    if (column == NAME) return -self->place;
    if (!isnan(self->value[column])) return self->value[column];
    return column == NORM ? INFINITY : -1;
}

static int greatest_first(const void *a, const void *b)
{
    const struct parameter *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key ? -1 : 1) : x->place - y->place;
}

static int greatest_last(const void *a, const void *b)
{
    return -greatest_first(a, b);
}

static void collect(struct gradients *self, const struct feed *feed, const struct scope *scope)
{
    size_t first[COLUMNS] = {0};
    int place = 0;
    for (int i = NORM; i < MOST; i++) first[i] = first_of(feed, (enum column)i);
    self->count = 0;
    for (size_t i = first[NORM]; i < feed->metrics && self->count < PARAMETERS_MAX; i++) {
        const char *name = feed->metric[i].name, *prefix = columns[NORM].prefix;
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        struct parameter parameter = {.name = name + strlen(prefix), .metric = i, .place = place++};
        if (!filter_passes(&self->filter, parameter.name)) continue;
        parameter.series[NORM] = &feed->metric[i].series;
        for (int k = RATIO; k < MOST; k++)
            parameter.series[k] = find(feed, (enum column)k, first[k], parameter.place, parameter.name);
        measure(&parameter, scope);
        parameter.key = key_of(&parameter, self->sorting.column);
        self->parameter[self->count++] = parameter;
    }
    qsort(self->parameter, (size_t)self->count, sizeof *self->parameter,
          self->sorting.inverted ? greatest_last : greatest_first);
}

/* ---- heat ---- */

/* The range of all norms that are shown, as logarithms. */
static void find_range(const struct gradients *self, const struct scope *scope, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < self->count; i++) {
        const struct series *series = self->parameter[i].series[NORM];
        const struct series_bucket all = series_range(series, series_find(series, scope->first),
                                                      series_find(series, scope->last + 1));
        if (all.low > all.high || !(all.high > 0)) continue;
        *high = fmax(*high, log10((double)all.high));
        *low = fmin(*low, log10(fmax((double)all.low, (double)all.high * 1e-6)));
    }
    if (!(*high - *low > 0.1)) *low -= 0.05, *high = *low + 0.1;
}

/* A column without a norm of its own repeats the one before it: norms are logged every few steps. */
static void draw_heat(struct canvas *canvas, struct rect row, const struct series *series, const struct scope *scope,
                      const double range[2])
{
    int level = -1;
    canvas_spot(canvas, (struct spot){.rect = row, .kind = SPOT_PLOT});
    for (int x = 0; x < row.width; x++) {
        const double share = (double)(scope->last - scope->first + 1) / row.width;
        const int64_t from = scope->first + (int64_t)(share * x), to = scope->first + (int64_t)(share * (x + 1));
        const struct series_bucket bucket = series_range(series, series_find(series, from),
                                                         series_find(series, to > from ? to : from + 1));
        if (bucket.has_nonfinite) {
            canvas_put(canvas, row.x + x, row.y, '!', SLOT_BAD);
            continue;
        }
        if (bucket.low <= bucket.high) {
            const double at = bucket.high > 0 ? (log10((double)bucket.high) - range[0]) / (range[1] - range[0]) : 0;
            level = at <= 0 ? 0 : at >= 1 ? LEVELS - 1 : (int)(at * LEVELS);
        }
        if (level >= 0) canvas_heat(canvas, row.x + x, row.y, level);
    }
}

/* ---- the view ---- */

static void draw_head(const struct gradients *self, struct canvas *canvas, struct rect row, const struct scope *scope)
{
    int x = row.x + canvas_text(canvas, row.x, row.y, row.width, SLOT_TITLE, "%d parameters", self->count) + 2;
    if (scope->has_cursor)
        x += canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_DIM, "at step %" PRId64, scope->cursor) + 2;
    filter_draw(&self->filter, canvas, x, row.y, row.x + row.width - x);
}

/* How wide the name is, and up to which column there is room beside it and the heat. */
static int choose_columns(int width, int *last)
{
    const int name = width >= 110 ? 34 : width >= 60 ? 24 : 18;
    int used = name + HEAT_LEAST;
    for (*last = NAME; *last + 1 < COLUMNS && used + columns[*last + 1].width <= width; ++*last)
        used += columns[*last + 1].width;
    return name;
}

static void draw_titles(struct gradients *self, struct canvas *canvas, struct rect row, int name, int last)
{
    int x = row.x + name;
    sorting_title(&self->sorting, canvas, (struct rect){row.x, row.y, rect_room(row, row.x, name - 1), 1}, NAME,
                  columns[NAME].title);
    for (int i = NORM; i <= last; i++) {
        const int length = (int)strlen(columns[i].title), at = x + columns[i].width - 1 - length;
        sorting_title(&self->sorting, canvas, (struct rect){at, row.y, rect_room(row, at, length), 1}, i,
                      columns[i].title);
        x += columns[i].width;
    }
}

static enum theme_slot slot_of(enum column column, double value)
{
    if (column == NORM && !isfinite(value)) return SLOT_BAD;
    if (column == NONFINITE && value > 0) return SLOT_BAD;
    return column == MOST || column == NONFINITE ? SLOT_DIM : SLOT_VALUE;
}

static void draw_value(struct canvas *canvas, int x, int y, int room, enum column column, double value)
{
    char text[32];
    switch (column) { /* formats are literals, for the compiler to check */
    case NORM: snprintf(text, sizeof text, "%10.3e", value); break;
    case RATIO: snprintf(text, sizeof text, "%9.2e", value); break;
    case ZEROS: snprintf(text, sizeof text, "%7.1f", value); break;
    case NONFINITE: snprintf(text, sizeof text, "%9.0f", value); break;
    default: snprintf(text, sizeof text, "%10.2e", value); break;
    }
    if (column == NORM || !isnan(value)) canvas_text(canvas, x, y, room, slot_of(column, value), "%s", text);
}

static void draw_row(struct canvas *canvas, struct rect row, const struct parameter *parameter,
                     const struct scope *scope, const double range[2])
{
    int last, x;
    const int name = choose_columns(row.width, &last), length = (int)strlen(parameter->name),
              skip = length > name - 2 ? length - name + 3 : 0; /* the end tells more */
    canvas_text(canvas, row.x, row.y, rect_room(row, row.x, name - 1), SLOT_TEXT, "%s%s", skip ? "~" : "",
                parameter->name + skip);
    x = row.x + name;
    for (int i = NORM; i <= last; i++) {
        draw_value(canvas, x, row.y, rect_room(row, x, columns[i].width), (enum column)i, parameter->value[i]);
        x += columns[i].width;
    }
    draw_heat(canvas, (struct rect){x + 1, row.y, row.x + row.width - x - 1, 1}, parameter->series[NORM], scope, range);
}

/* ---- warnings ---- */

static bool is_warning(const struct feed_event *event)
{
    return strcmp(event->kind, "grad_warning") == 0 || strcmp(event->kind, "nan") == 0;
}

/* The newest warnings about gradients, below. */
static int draw_warnings(const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    int shown = 0;
    for (size_t i = feed->events; i-- > 0 && shown < rect.height;) {
        const struct feed_event *event = &feed->event[i];
        if (!is_warning(event)) continue;
        canvas_text(canvas, rect.x, rect.y + rect.height - 1 - shown++, rect.width,
                    event->level == LEVEL_SEVERE    ? SLOT_BAD
                    : event->level == LEVEL_WARNING ? SLOT_WARNING
                                                    : SLOT_DIM,
                    "%7" PRId64 "  %s", event->step, event->text);
    }
    return shown;
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct gradients *self = state;
    const struct scope scope = view_scope(app);
    double range[2];
    int last;
    collect(self, &app->feed, &scope);
    draw_head(self, canvas, rect_take(&rect, 1), &scope);
    const int most = rect.height >= 12 ? rect.height / 4 : 0,
              warnings = draw_warnings(&app->feed, canvas,
                                       (struct rect){rect.x, rect.y + rect.height - most, rect.width, most});
    rect.height -= warnings;
    if (self->count == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    self->filter.text[0] ? "no parameter has that in its name; Esc shows all"
                                         : "no norms yet; callbacks: [gradient_monitor] logs them for each parameter");
        return;
    }
    const int name = choose_columns(rect.width - 2, &last);
    const struct rect titles = rect_take(&rect, 1);
    draw_titles(self, canvas, (struct rect){titles.x + 2, titles.y, titles.width - 2, titles.height}, name, last);
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    find_range(self, &scope, &range[0], &range[1]);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        if (marks_has_metric(&app->marks, app->feed.metric[self->parameter[at].metric].name))
            canvas_put(canvas, rect.x + 1, rect.y + i, canvas_glyph(canvas, GLYPH_DIAMOND), SLOT_KEY);
        draw_row(canvas, (struct rect){rect.x + 2, rect.y + i, rect.width - 2, 1}, &self->parameter[at], &scope, range);
    }
}

static struct view_list list(void *state)
{
    struct gradients *self = state;
    return (struct view_list){.list = &self->list,
                              .filter = &self->filter,
                              .sorting = &self->sorting,
                              .columns = COLUMNS,
                              .count = self->count,
                              .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct gradients *self = state;
    const struct parameter *parameter = &self->parameter[at];
    if (parameter->metric >= app->feed.metrics) return; /* it began anew since it was drawn */
    text_add(out, "%s", app->feed.metric[parameter->metric].name + strlen(columns[NORM].prefix));
    for (int i = NORM; i < COLUMNS; i++) text_add(out, "\t%.9g", parameter->value[i]);
}

/* Whether words are about a parameter: its whole name stands in them. */
static bool is_about(const char *words, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = words; length && (at = strstr(at, name)); at++) {
        const char after = at[length];
        if ((at == words || at[-1] == ' ') && !isalnum((unsigned char)after) && after != '_' &&
            !(after == '.' && isalnum((unsigned char)at[length + 1])))
            return true;
    }
    return false;
}

/* The newest warning before `before`, about a parameter (NULL: about any); NULL: none. */
static const struct feed_event *find_warning(const struct feed *feed, const char *name, int64_t before)
{
    for (size_t i = feed->events; i-- > 0;) {
        const struct feed_event *event = &feed->event[i];
        if (is_warning(event) && event->step < before && (!name || is_about(event->text, name))) return event;
    }
    return NULL;
}

/* All charts' crosshair to a warning about the chosen parameter, or where there is none, about any: the newest, then
 * the one before, and so on around. */
static void do_jump(struct app *app, void *state)
{
    struct gradients *self = state;
    const struct scope scope = view_scope(app);
    int64_t begin, end;
    collect(self, &app->feed, &scope);
    const char *name = self->list.chosen < self->count ? self->parameter[self->list.chosen].name : NULL;
    if (!name || !find_warning(&app->feed, name, INT64_MAX)) name = NULL;
    const struct feed_event *event = scope.has_cursor ? find_warning(&app->feed, name, scope.cursor) : NULL;
    if (!event) event = find_warning(&app->feed, name, INT64_MAX);
    if (!event) return;
    view_steps(app, &begin, &end);
    lens_look_at(&app->lens, begin, end, event->step);
}

/* Charts show all marked ones in one. */
static void do_mark(struct app *app, void *state)
{
    const struct gradients *self = state;
    const size_t metric = self->list.chosen < self->count ? self->parameter[self->list.chosen].metric : SIZE_MAX;
    if (metric < app->feed.metrics) marks_turn_metric(&app->marks, app->feed.metric[metric].name);
}

static const struct view_key keys[] = {
    {' ', ' ', "Space", "mark a parameter: charts show all marked in one", NULL, do_mark},
    {'\n', '\n', "Enter", "crosshair to the newest warning about it, or before", "warning", do_jump},
};

const struct view view_gradients = {.name = "gradients",
                                    .state_bytes = sizeof(struct gradients),
                                    .draw = draw,
                                    .list = list,
                                    .row = row,
                                    .sorts = true,
                                    VIEW_KEYS(keys),
                                    .has_charts = true};
