/* What happened and what was printed: events and the lines of console.log, narrowed by a filter, following the end. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/feed/console.h"
#include "tui/views/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is listed. */
enum { SHOW_EVENTS, SHOW_PRINTED, SHOWS };

struct log_view {
    struct list list;
    struct filter filter;
    struct console console;
    int show, rows, count;
    int *passing; /* indices of what is listed */
    size_t capacity;
};

static void release(void *state)
{
    struct log_view *self = state;
    console_release(&self->console);
    free(self->passing);
}

static void event_text(const struct feed_event *event, char *text, size_t size)
{
    snprintf(text, size, "%" PRId64 " %s %s", event->step, event->kind, event->text);
}

static bool passes(const struct log_view *self, const struct feed *feed, size_t i)
{
    char text[512];
    if (self->show == SHOW_PRINTED) return filter_passes(&self->filter, self->console.line[i]);
    event_text(&feed->event[i], text, sizeof text);
    return filter_passes(&self->filter, text);
}

static void collect(struct log_view *self, const struct feed *feed)
{
    const size_t all = self->show == SHOW_PRINTED ? self->console.count : feed->events;
    if (all > self->capacity) {
        free(self->passing);
        self->capacity = 2 * all;
        self->passing = calloc(self->capacity, sizeof *self->passing);
    }
    self->count = 0;
    for (size_t i = 0; self->passing && i < all; i++)
        if (passes(self, feed, i)) self->passing[self->count++] = (int)i;
}

static void draw_event(struct canvas *canvas, struct rect row, const struct feed_event *event)
{
    static const enum theme_slot slots[] = {
        [LEVEL_INFO] = SLOT_TEXT, [LEVEL_WARNING] = SLOT_WARNING, [LEVEL_SEVERE] = SLOT_BAD};
    char clock[32];
    const time_t seconds = (time_t)event->wall;
    struct tm day;
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&seconds, &day));
    int x = row.x + 1 + canvas_text(canvas, row.x, row.y, row.width, SLOT_DIM, "%s %7" PRId64, clock, event->step);
    canvas_text(canvas, x, row.y, row.x + row.width - x < 13 ? row.x + row.width - x : 13, slots[event->level], "%s",
                event->kind);
    canvas_text(canvas, x + 14, row.y, row.x + row.width - x - 14, slots[event->level], "%s", event->text);
}

/* The chosen row whole, at the bottom, where its row cuts it; not while the list follows a run that goes on. */
static void draw_whole(const struct log_view *self, const struct feed *feed, struct canvas *canvas, struct rect *rest)
{
    enum { BEFORE_TEXT = 33, LINES = 4 };
    const int at = self->passing[self->list.chosen];
    const bool printed = self->show == SHOW_PRINTED, over = feed->hello.stored || run_state_is_over(feed->status.state);
    const char *text = printed ? self->console.line[at] : feed->event[at].text;
    const int room = rest->width - (printed ? 2 : BEFORE_TEXT);
    if (!self->list.away && !over) return;
    if (canvas_paragraph(canvas, (struct rect){.width = room > 1 ? room : 1}, SLOT_TEXT, text) <= 1) return;
    int lines = canvas_paragraph(canvas, (struct rect){.width = rest->width - 2}, SLOT_TEXT, text);
    if (lines > LINES) lines = LINES;
    if (rest->height < 3 * lines) return;
    rest->height -= lines + 1;
    const int top = rest->y + rest->height;
    canvas_rule(canvas, (struct rect){rest->x, top, rest->width, 1}, "the whole line");
    canvas_paragraph(canvas, (struct rect){rest->x + 2, top + 1, rest->width - 2, lines}, SLOT_TEXT, text);
}

static void draw_head(const struct log_view *self, struct canvas *canvas, struct rect row)
{
    static const char *const names[SHOWS] = {"events", "printed (console.log)"};
    int x = row.x + canvas_text(canvas, row.x, row.y, row.width, SLOT_TITLE, "%s", names[self->show]) + 2;
    x += canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_DIM, "%d of %d%s",
                     self->count ? self->list.chosen + 1 : 0, self->count, self->list.away ? "" : ", following") +
         2;
    filter_draw(&self->filter, canvas, x, row.y, row.x + row.width - x);
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct log_view *self = state;
    const struct feed *feed = &app->feed;
    if (feed->has_hello) console_poll(&self->console, feed->hello.folder);
    collect(self, feed);
    const struct rect head = rect_take(&rect, 1);
    list_settle(&self->list, self->count, rect.height, true);
    draw_head(self, canvas, head);
    if (self->count) draw_whole(self, feed, canvas, &rect);
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, true);
    if (self->count == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    self->filter.text[0] ? "nothing passes the filter; Esc shows all" : "nothing yet");
        return;
    }
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->passing[self->list.top + i];
        const struct rect row = {rect.x + 2, rect.y + i, rect.width - 2, 1};
        list_mark(&self->list, canvas, (struct rect){rect.x, row.y, rect.width, 1}, self->list.top + i);
        if (self->show == SHOW_PRINTED)
            canvas_text(canvas, row.x, row.y, row.width, SLOT_TEXT, "%s", self->console.line[at]);
        else
            draw_event(canvas, row, &feed->event[at]);
    }
}

static struct view_list list(void *state)
{
    struct log_view *self = state;
    return (struct view_list){.list = &self->list, .filter = &self->filter, .count = self->count, .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct log_view *self = state;
    if (self->show == SHOW_PRINTED) {
        text_add(out, "%s", self->console.line[self->passing[at]]);
        return;
    }
    const struct feed_event *event = &app->feed.event[self->passing[at]];
    text_add(out, "%.3f\t%" PRId64 "\t%s\t%s", event->wall, event->step, event->kind, event->text);
}

static void do_other(struct app *app, void *state)
{
    struct log_view *self = state;
    (void)app;
    self->show = (self->show + 1) % SHOWS;
    self->list = (struct list){0};
}

/* The step of the chosen event under the crosshair of all charts. */
static void do_look(struct app *app, void *state)
{
    const struct log_view *self = state;
    int64_t begin, end;
    if (self->show != SHOW_EVENTS || self->count == 0) return;
    view_steps(app, &begin, &end);
    lens_look_at(&app->lens, begin, end, app->feed.event[self->passing[self->list.chosen]].step);
    app->view = VIEW_charts;
}

static const struct view_key keys[] = {
    {'o', 'o', "o", "events, or what the run printed", "printed", do_other},
    {'\n', '\n', "Enter", "all charts at the step of the chosen event", "charts there", do_look},
};

const struct view view_log = {.name = "log",
                              .state_bytes = sizeof(struct log_view),
                              .release = release,
                              .draw = draw,
                              .list = list,
                              .row = row,
                              VIEW_KEYS(keys)};
