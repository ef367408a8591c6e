#include "tui/views/view.h"

#include "data/base/memory.h"
#include "tui/term/term.h"

#include <math.h>
#include <string.h>

static const struct view *const views[VIEWS] = {
#define VIEW(name) [VIEW_##name] = &view_##name,
#include "tui/views/views.def"
#undef VIEW
};
_Static_assert((int)VIEWS <= (int)APP_VIEWS_MAX, "a digit for each view");

const struct view *view_at(int id)
{
    return views[id];
}

void *view_state(struct app *app, int id)
{
    if (!app->state[id] && views[id]->state_bytes) app->state[id] = memory_new(1, views[id]->state_bytes);
    return app->state[id];
}

static void widen_steps(const struct feed *feed, int64_t *begin, int64_t *end)
{
    for (size_t i = 0; i < feed->metrics; i++) {
        const struct series *series = &feed->metric[i].series;
        if (series->count == 0) continue;
        if (series->point[0].step < *begin) *begin = series->point[0].step;
        if (series->point[series->count - 1].step > *end) *end = series->point[series->count - 1].step;
    }
}

void view_steps(const struct app *app, int64_t *begin, int64_t *end)
{
    *begin = INT64_MAX;
    *end = app->feed.status.step;
    widen_steps(&app->feed, begin, end);
    for (size_t i = 0; i < app->others; i++) widen_steps(&app->other[i], begin, end);
    if (*begin > *end) *begin = *end;
}

/* ---- what charts show ---- */

/* The longest series: it knows best when a step was. */
static const struct series *longest(const struct feed *feed)
{
    const struct series *best = NULL;
    for (size_t i = 0; i < feed->metrics; i++)
        if (!best || feed->metric[i].series.count > best->count) best = &feed->metric[i].series;
    return best && best->count ? best : NULL;
}

static double wall_of(const struct series *series, int64_t step)
{
    if (!series) return 0;
    const size_t at = series_find(series, step);
    return series->point[at < series->count ? at : series->count - 1].wall;
}

/* What an event is on an axis; SLOT_TEXT: nothing. */
static enum theme_slot mark_of(const struct feed_event *event)
{
    if (event->level == LEVEL_SEVERE) return SLOT_BAD;
    if (event->level == LEVEL_WARNING) return SLOT_WARNING;
    if (strcmp(event->kind, "lr") == 0 || strcmp(event->kind, "setting") == 0) return SLOT_RATE;
    if (strcmp(event->kind, "pause") == 0 || strcmp(event->kind, "continue") == 0) return SLOT_KEY;
    return strcmp(event->kind, "checkpoint") == 0 ? SLOT_DIM : SLOT_TEXT;
}

static size_t count_checkpoints(const struct feed *feed, size_t first)
{
    size_t count = 0;
    for (size_t i = first; i < feed->events; i++) count += mark_of(&feed->event[i]) == SLOT_DIM;
    return count;
}

/* Marks of the newest events; kept until the next call. Many checkpoints say nothing. */
static void find_marks(const struct feed *feed, struct scope *scope)
{
    enum { MOST = 2048, CHECKPOINTS_MOST = 16 };
    static struct chart_mark marks[MOST];
    const struct series *clock = longest(feed);
    size_t count = 0;
    const size_t first = feed->events > MOST ? feed->events - MOST : 0;
    const bool many = count_checkpoints(feed, first) > CHECKPOINTS_MOST;
    for (size_t i = first; i < feed->events; i++) {
        const enum theme_slot slot = mark_of(&feed->event[i]);
        if (slot != SLOT_TEXT && !(many && slot == SLOT_DIM))
            marks[count++] = (struct chart_mark){feed->event[i].step, wall_of(clock, feed->event[i].step), slot};
    }
    scope->mark = marks;
    scope->marks = count;
}

/* The end of an axis that has grown to `end` in so many seconds: a little ahead, so that what is drawn stays where it
 * is for some seconds instead of moving with every step. */
static double ahead(double end, double seconds)
{
    enum { LEAST_SECONDS = 10 };
    if (!(end > 0)) return end;
    const double share = seconds > 8 * LEAST_SECONDS ? 1.0 / 8 : seconds > LEAST_SECONDS ? LEAST_SECONDS / seconds : 1;
    const double unit = exp2(floor(log2(end * share)));
    return ceil(end / unit) * unit;
}

/* Steps and times of a run that goes on, on to where they will be soon; not behind its last step. */
static void look_ahead(struct scope *scope, const struct run_status *status)
{
    const double seconds = scope->wall_last - scope->wall_begin, last = ahead((double)scope->last, seconds);
    scope->last = status->steps >= scope->last && last > (double)status->steps ? status->steps : (int64_t)last;
    scope->wall_last = scope->wall_begin + ahead(seconds, seconds);
}

struct scope view_scope(const struct app *app)
{
    const struct run_status *status = &app->feed.status;
    const struct series *clock = longest(&app->feed);
    struct scope scope = {.lens = &app->lens, .has_cursor = app->lens.has_cursor, .cursor = app->lens.cursor};
    int64_t begin, end;
    view_steps(app, &begin, &end);
    lens_range(&app->lens, begin, end, &scope.first, &scope.last);
    scope.wall_begin = wall_of(clock, begin);
    scope.wall_first = wall_of(clock, scope.first);
    scope.wall_last = wall_of(clock, scope.last);
    scope.wall_cursor = wall_of(clock, scope.cursor);
    scope.wall_anchor = wall_of(clock, app->lens.anchor);
    if (!app->lens.zoomed && !app->feed.ended && !run_state_is_over(status->state)) look_ahead(&scope, status);
    if (status->steps > 0 && status->epochs > 0) scope.steps_per_epoch = (double)status->steps / (double)status->epochs;
    find_marks(&app->feed, &scope);
    return scope;
}

int64_t view_step_at(const struct app *app, double share)
{
    const struct scope scope = view_scope(app);
    const struct series *clock = longest(&app->feed);
    const bool by_time = app->lens.axis == LENS_RELATIVE || app->lens.axis == LENS_WALL;
    if (!by_time || !clock) return scope.first + (int64_t)(share * (double)(scope.last - scope.first + 1));
    const size_t at = series_find_wall(clock, scope.wall_first + share * (scope.wall_last - scope.wall_first));
    return clock->point[at < clock->count ? at : clock->count - 1].step;
}

struct scene view_scene(const struct app *app)
{
    return (struct scene){&app->feed, view_scope(app)};
}

/* ---- keys of all charts ---- */

static void zoom(struct app *app, double factor)
{
    int64_t begin, end;
    view_steps(app, &begin, &end);
    lens_zoom(&app->lens, begin, end, factor);
}

static void do_zoom_in(struct app *app, void *state)
{
    (void)state;
    zoom(app, 0.5);
}

static void do_zoom_out(struct app *app, void *state)
{
    (void)state;
    zoom(app, 2);
}

static void do_reset(struct app *app, void *state)
{
    (void)state;
    app->lens.zoomed = app->lens.has_cursor = false;
}

static void move(struct app *app, double share)
{
    int64_t begin, end;
    view_steps(app, &begin, &end);
    lens_move(&app->lens, begin, end, share);
}

static void do_left(struct app *app, void *state)
{
    (void)state;
    move(app, -0.01);
}

static void do_right(struct app *app, void *state)
{
    (void)state;
    move(app, 0.01);
}

static void pan(struct app *app, double share)
{
    int64_t begin, end;
    view_steps(app, &begin, &end);
    lens_pan(&app->lens, begin, end, share);
}

static void do_pan_left(struct app *app, void *state)
{
    (void)state;
    pan(app, -0.25);
}

static void do_pan_right(struct app *app, void *state)
{
    (void)state;
    pan(app, 0.25);
}

static void do_log_y(struct app *app, void *state)
{
    (void)state;
    app->lens.log_y = !app->lens.log_y;
}

static void do_smooth(struct app *app, void *state)
{
    (void)state;
    app->lens.raw = !app->lens.raw;
}

static void do_axis(struct app *app, void *state)
{
    (void)state;
    app->lens.axis = (app->lens.axis + 1) % LENS_AXES;
}

/* The next event after the crosshair, or the one before it; from the newest where there is no crosshair. */
static void jump(struct app *app, bool forward)
{
    const struct feed *feed = &app->feed;
    int64_t begin, end, best = -1, from;
    view_steps(app, &begin, &end);
    from = app->lens.has_cursor ? app->lens.cursor : forward ? begin - 1 : end + 1;
    for (size_t i = 0; i < feed->events; i++) {
        const int64_t step = feed->event[i].step;
        if (forward ? step > from && (best < 0 || step < best) : step < from && step > best) best = step;
    }
    if (best >= 0) lens_look_at(&app->lens, begin, end, best);
}

static void do_next_event(struct app *app, void *state)
{
    (void)state;
    jump(app, true);
}

static void do_previous_event(struct app *app, void *state)
{
    (void)state;
    jump(app, false);
}

const struct view_key view_lens_keys[] = {
    {'h', TERM_LEFT, "h Left", "crosshair to the left", NULL, do_left},
    {'l', TERM_RIGHT, "l Right", "crosshair to the right", "crosshair", do_right},
    {'+', '=', "+", "zoom in, around the crosshair", "zoom", do_zoom_in},
    {'-', '_', "-", "zoom out", NULL, do_zoom_out},
    {'{', 'H', "{ H", "pan to the left", NULL, do_pan_left},
    {'}', 'L', "} L", "pan to the right", NULL, do_pan_right},
    {'0', '0', "0", "all steps, no crosshair", NULL, do_reset},
    {'y', 'y', "y", "logarithmic Y axis", NULL, do_log_y},
    {'s', 'S', "s", "smoothed lines or the values themselves", NULL, do_smooth},
    {'x', 'X', "x", "X axis: step, epoch, hours, time of day", NULL, do_axis},
    {'e', 'e', "e", "crosshair to the next event", NULL, do_next_event},
    {'E', 'E', "E", "crosshair to the event before", NULL, do_previous_event},
};
const int view_lens_key_count = sizeof view_lens_keys / sizeof *view_lens_keys;

int view_keys(const struct view *view, int index, const struct view_key **keys)
{
    const struct {
        const struct view_key *keys;
        int count;
        bool works;
    } tables[] = {{view->keys, view->key_count, view->key_count > 0},
                  {view_list_keys, view_list_key_count, view->list != NULL},
                  {view_sort_keys, view_sort_key_count, view->sorts},
                  {view_lens_keys, view_lens_key_count, view->has_charts}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (!tables[i].works || index-- > 0) continue;
        *keys = tables[i].keys;
        return tables[i].count;
    }
    return 0;
}
