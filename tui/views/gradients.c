/* Gradients: the norm of each parameter's as a heat map over the newest steps, a table of them, and the warnings. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 4096, NAME = 34, TABLE = 24, LEVELS = 8 };

enum order { ORDER_MODEL, ORDER_NORM, ORDER_NAME, ORDERS };

struct gradients {
    struct list list;
    struct filter filter;
    struct sorting sorting; /* by enum order */
    int rows, count;
    int metric[LAYERS_MAX];
};

static const char prefix[] = "grad_norm/";

static const char *layer_name(const struct feed_metric *metric)
{
    return metric->name + sizeof prefix - 1;
}

static const struct feed *sorted_feed; /* qsort has no argument; the screen's thread only */
static enum order sorted_order;

static double newest(const struct feed_metric *metric)
{
    const struct series *series = &metric->series;
    return series->count ? series->point[series->count - 1].value : NAN;
}

/* NaN first: that is what one looks for. */
static int compare(const void *a, const void *b)
{
    const int i = *(const int *)a, k = *(const int *)b;
    const struct feed_metric *x = &sorted_feed->metric[i], *y = &sorted_feed->metric[k];
    if (sorted_order == ORDER_NAME) return strcmp(x->name, y->name);
    if (sorted_order == ORDER_NORM) {
        const double u = newest(x), v = newest(y);
        if (isnan(u) != isnan(v)) return isnan(u) ? -1 : 1;
        if (u != v) return u > v ? -1 : 1;
    }
    return i - k;
}

static void collect(struct gradients *self, const struct feed *feed)
{
    self->count = 0;
    for (size_t i = 0; i < feed->metrics && self->count < LAYERS_MAX; i++)
        if (strncmp(feed->metric[i].name, prefix, sizeof prefix - 1) == 0 &&
            filter_passes(&self->filter, layer_name(&feed->metric[i])))
            self->metric[self->count++] = (int)i;
    sorted_feed = feed;
    sorted_order = (enum order)self->sorting.column;
    qsort(self->metric, (size_t)self->count, sizeof *self->metric, compare);
    for (int i = 0; self->sorting.inverted && i < self->count / 2; i++) {
        const int swap = self->metric[i];
        self->metric[i] = self->metric[self->count - 1 - i];
        self->metric[self->count - 1 - i] = swap;
    }
}

/* ---- heat ---- */

/* The range of all norms that are shown, as logarithms. */
static void find_range(const struct gradients *self, const struct feed *feed, const struct scope *scope, double *low,
                       double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < self->count; i++) {
        const struct series *series = &feed->metric[self->metric[i]].series;
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

static void draw_head(const struct gradients *self, struct canvas *canvas, struct rect row)
{
    static const char *const orders[ORDERS] = {"as in the model", "by norm", "by name"};
    int x = row.x +
            canvas_text(canvas, row.x, row.y, row.width, SLOT_TITLE, "gradient norms of %d parameters", self->count) +
            2;
    x += canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_DIM, "%s%s", orders[self->sorting.column],
                     self->sorting.inverted ? ", turned around" : "") +
         2;
    filter_draw(&self->filter, canvas, x, row.y, row.x + row.width - x);
}

static void draw_row(struct canvas *canvas, struct rect row, const struct feed_metric *metric,
                     const struct scope *scope, const double range[2])
{
    const int name = row.width >= 72 ? NAME : 18, heat = row.width - name - TABLE;
    const struct series *series = &metric->series;
    const struct series_bucket all = series_range(series, series_find(series, scope->first),
                                                  series_find(series, scope->last + 1));
    const double value = newest(metric);
    const char *text = layer_name(metric);
    const int length = (int)strlen(text), skip = length > name - 2 ? length - name + 3 : 0; /* the end tells more */
    canvas_text(canvas, row.x, row.y, name - 1, SLOT_TEXT, "%s%s", skip ? "~" : "", text + skip);
    canvas_text(canvas, row.x + name, row.y, rect_room(row, row.x + name, 11), isfinite(value) ? SLOT_VALUE : SLOT_BAD,
                "%10.3e", value);
    if (all.low <= all.high)
        canvas_text(canvas, row.x + name + 12, row.y, rect_room(row, row.x + name + 12, 10), SLOT_DIM, "%9.2e",
                    (double)all.high);
    draw_heat(canvas, (struct rect){row.x + name + TABLE, row.y, heat, 1}, series, scope, range);
}

/* The newest warnings about gradients, below. */
static int draw_warnings(const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    int shown = 0;
    for (size_t i = feed->events; i-- > 0 && shown < rect.height;) {
        const struct feed_event *event = &feed->event[i];
        if (strcmp(event->kind, "grad_warning") != 0 && strcmp(event->kind, "nan") != 0) continue;
        canvas_text(canvas, rect.x, rect.y + rect.height - 1 - shown++, rect.width,
                    event->level == LEVEL_SEVERE ? SLOT_BAD : SLOT_WARNING, "%7" PRId64 "  %s", event->step,
                    event->text);
    }
    return shown;
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct gradients *self = state;
    const struct scope scope = view_scope(app);
    double range[2];
    collect(self, &app->feed);
    draw_head(self, canvas, rect_take(&rect, 1));
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
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    find_range(self, &app->feed, &scope, &range[0], &range[1]);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        draw_row(canvas, (struct rect){rect.x + 2, rect.y + i, rect.width - 2, 1}, &app->feed.metric[self->metric[at]],
                 &scope, range);
    }
}

static struct view_list list(void *state)
{
    struct gradients *self = state;
    return (struct view_list){.list = &self->list,
                              .filter = &self->filter,
                              .sorting = &self->sorting,
                              .columns = ORDERS,
                              .count = self->count,
                              .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct gradients *self = state;
    const struct feed_metric *metric = &app->feed.metric[self->metric[at]];
    text_add(out, "%s\t%.9g", layer_name(metric), newest(metric));
}

/* The newest warning's step under the crosshair of all charts. */
static void do_jump(struct app *app, void *state)
{
    (void)state;
    for (size_t i = app->feed.events; i-- > 0;) {
        const struct feed_event *event = &app->feed.event[i];
        int64_t begin, end;
        if (strcmp(event->kind, "grad_warning") != 0 && strcmp(event->kind, "nan") != 0) continue;
        view_steps(app, &begin, &end);
        lens_look_at(&app->lens, begin, end, event->step);
        return;
    }
}

static const struct view_key keys[] = {
    {'\n', '\n', "Enter", "crosshair of all charts to the newest warning", "newest warning", do_jump},
};

const struct view view_gradients = {.name = "gradients",
                                    .state_bytes = sizeof(struct gradients),
                                    .draw = draw,
                                    .list = list,
                                    .row = row,
                                    .sorts = true,
                                    VIEW_KEYS(keys),
                                    .has_charts = true};
