/* The picture of the screen: tabs, a view, the line of keys, menus on top. */
#include "tui/app.h"
#include "tui/menu.h"
#include "tui/views/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_WIDTH = 20, LEAST_HEIGHT = 5, TABS_HEIGHT = 16 };

/* What a key did here, what became of the last command, or that the run ended; false: nothing of that. */
static bool answer_of(const struct app *app, char *text, size_t size, enum theme_slot *slot)
{
    const struct feed *feed = &app->feed;
    if (app->note[0]) {
        snprintf(text, size, "%s", app->note);
        *slot = strncmp(text, "not", 3) == 0 ? SLOT_BAD : SLOT_GOOD;
    } else if (feed->ended) {
        snprintf(text, size, "the run ended; q closes this screen");
        *slot = feed->exit_code ? SLOT_BAD : SLOT_GOOD;
    } else if (app->lost && !feed->asked[0]) {
        snprintf(text, size, "the run is gone; q opens its log, or leaves");
        *slot = SLOT_BAD;
    } else {
        snprintf(text, size, "%s: %s", feed->asked, feed->answer[0] ? feed->answer : "asked");
        *slot = strncmp(feed->answer, "not", 3) == 0 ? SLOT_BAD : SLOT_WARNING;
    }
    return app->note[0] || feed->ended || app->lost || feed->asked[0];
}

/* "key hint", which can be clicked. */
static int draw_hint(struct canvas *canvas, int x, struct rect rect, const struct view_key *key, enum theme_slot slot)
{
    const int end = rect.x + rect.width, width = (int)strlen(key->words) + (int)strlen(key->hint) + 1;
    if (x + width > end) return x;
    canvas_spot(canvas, (struct spot){.rect = {x, rect.y, width, 1}, .kind = SPOT_KEY, .value = key->key});
    x += canvas_text(canvas, x, rect.y, end - x, slot, "%s", key->words) + 1;
    return x + canvas_text(canvas, x, rect.y, end - x, SLOT_DIM, "%s", key->hint) + 2;
}

static int draw_hints(struct canvas *canvas, int x, struct rect rect, const struct view_key *keys, int count)
{
    for (int i = 0; i < count; i++)
        if (keys[i].hint) x = draw_hint(canvas, x, rect, &keys[i], SLOT_KEY);
    return x;
}

/* Keys that are always there; gray where the run cannot be asked. */
static int draw_always(const struct app *app, struct canvas *canvas, struct rect rect)
{
    const struct view_key ask[] = {
        {.key = 'p', .words = "p", .hint = app->feed.status.state == RUN_PAUSED ? "resume" : "pause"},
        {.key = 'c', .words = "c", .hint = "checkpoint"}};
    static const struct view_key rest[] = {{.key = 'q', .words = "q", .hint = "quit"},
                                           {.key = '?', .words = "?", .hint = "help"}};
    int x = rect.x;
    for (int i = 0; i < 2; i++)
        x = draw_hint(canvas, x, rect, &ask[i], app_refusal(app) || app->feed.ended ? SLOT_DIM : SLOT_KEY);
    return draw_hints(canvas, x, rect, rest, 2);
}

/* Keys; an answer in their stead where there is one, of the whole line if it is long. */
static void draw_footer(const struct app *app, struct canvas *canvas, struct rect rect)
{
    enum { ALWAYS_WIDTH = 44 }; /* about what those take that are always there */
    const struct view *view = view_at(app->view);
    const struct view_key *keys;
    char text[400];
    enum theme_slot slot;
    const bool answered = answer_of(app, text, sizeof text, &slot);
    if (answered && (int)strlen(text) > rect.width - ALWAYS_WIDTH) {
        canvas_text(canvas, rect.x, rect.y, rect.width, slot, "%s", text);
        return;
    }
    int x = draw_always(app, canvas, rect);
    if (app->frozen) x += 2 + canvas_text(canvas, x, rect.y, rect.x + rect.width - x, SLOT_WARNING, "held (Z)");
    const struct rect rest = {x + 1, rect.y, rect.x + rect.width - x - 1, 1};
    if (answered) canvas_text(canvas, rest.x, rest.y, rest.width, slot, "%s", text);
    if (rest.width < 4 || answered) return;
    x = rest.x;
    for (int i = 0, count; (count = view_keys(view, i, &keys)) > 0; i++) x = draw_hints(canvas, x, rect, keys, count);
}

/* "120 · epoch 2.3 · 00:01:22" of the crosshair. */
static int cursor_text(const struct app *app, char *text, size_t size)
{
    const struct scope scope = view_scope(app);
    char clock[16];
    text_clock(clock, scope.wall_cursor - scope.wall_begin);
    int length = snprintf(text, size, "step %" PRId64, scope.cursor);
    if (scope.steps_per_epoch > 0)
        length += snprintf(text + length, size - (size_t)length, "  epoch %.2f",
                           (double)scope.cursor / scope.steps_per_epoch);
    return length + snprintf(text + length, size - (size_t)length, "  %s", clock);
}

static void draw_tabs(const struct app *app, struct canvas *canvas, struct rect rect)
{
    char cursor[96];
    int tail = view_at(app->view)->has_charts && app->lens.has_cursor ? cursor_text(app, cursor, sizeof cursor) : 0;
    if (tail > rect.width) tail = 0;
    int x = rect.x, end = rect.x + rect.width - (tail ? tail + 2 : 0);
    for (int i = 0; i < VIEWS; i++) {
        const char *name = view_at(i)->name;
        const bool chosen = i == app->view;
        const int width = (int)strlen(name) + 2;
        if (x + width > end) break;
        canvas_text(canvas, x, rect.y, 1, SLOT_KEY, "%d", i + 1);
        canvas_text(canvas, x + 2, rect.y, width, chosen ? SLOT_CHOSEN : SLOT_DIM, "%s", name);
        canvas_spot(canvas, (struct spot){.rect = {x, rect.y, width, 1}, .kind = SPOT_VIEW, .value = i});
        x += width + 2;
    }
    if (tail) canvas_text(canvas, rect.x + rect.width - tail, rect.y, tail, SLOT_VALUE, "%s", cursor);
}

static void draw_too_small(struct canvas *canvas)
{
    canvas_text(canvas, 0, 0, canvas->width, SLOT_TEXT, "lathe needs %dx%d", LEAST_WIDTH, LEAST_HEIGHT);
    canvas_text(canvas, 0, 1, canvas->width, SLOT_DIM, "make it larger");
}

void app_draw(struct app *app, struct canvas *canvas)
{
    canvas_clear(canvas);
    app->shown = canvas;
    if (canvas->width < LEAST_WIDTH || canvas->height < LEAST_HEIGHT) {
        draw_too_small(canvas);
        return;
    }
    struct rect rest = {0, 0, canvas->width, canvas->height};
    const struct rect footer = {0, --rest.height, canvas->width, 1};
    pane_at(PANE_header)->draw(canvas, rect_take(&rest, 1), &(struct scene){.feed = &app->feed});
    if (canvas->height >= TABS_HEIGHT) draw_tabs(app, canvas, rect_take(&rest, 1));
    if (!app->feed.has_status)
        canvas_text(canvas, 2, rest.y + 1, canvas->width - 4, SLOT_DIM, "waiting for the run …");
    else
        view_at(app->view)->draw(app, view_state(app, app->view), canvas, rest);
    draw_footer(app, canvas, footer);
    if (app->overlay == OVERLAY_NONE) return;
    canvas->spots = canvas->pictures = 0; /* of what lies below the menu */
    menu_draw(app, canvas);
}
