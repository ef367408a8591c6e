/* The screen without a terminal: what is shown, which keys do what, and the picture of it all. Views (tui/views) and
 * tests include this. Thread: the screen's. */
#pragma once

#include "data/base/text.h"
#include "tui/draw/canvas.h"
#include "tui/draw/lens.h"
#include "tui/feed/feed.h"
#include "tui/marks.h"
#include "tui/preferences.h"
#include "tui/prompt.h"
#include "tui/term/term.h"

#include <stdbool.h>

enum overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_QUIT, OVERLAY_GONE, OVERLAY_RATE, OVERLAY_PROMPT, OVERLAY_SETTINGS };

enum { APP_VIEWS_MAX = 9 };

/* What the mouse is about. */
struct pointer {
    int64_t pressed_ns; /* the last press and its cell: a second one soon after opens */
    int x, y;
    bool on_plot; /* a button is down that was pressed on a plot */
    struct rect plot;
};

struct app {
    struct feed feed;
    struct feed *other; /* runs to compare it with */
    size_t others;
    struct text out; /* frames to send */
    enum overlay overlay;
    int choice, help_top;       /* in a menu: the row, the rate's power of two; the first line of the help */
    int view;                   /* enum view_id */
    void *state[APP_VIEWS_MAX]; /* each view's own, made when it is first shown */
    struct preferences look;    /* how the person likes it */
    bool restyle;               /* … was changed: the terminal is to follow */
    struct marks marks;         /* what Charts are to show together */
    struct lens lens;           /* how all charts look at their series */
    const struct canvas *shown; /* lent: what was drawn last, where clicks go */
    struct pointer pointer;
    bool read_only, leave, lost, repaint, suspend;
    bool open_log;    /* it left to see the log of a run that is gone */
    char note[256];   /* what a key did here, in words; gone with the next key */
    struct text copy; /* for the clipboard, taken by the screen */
    struct prompt prompt;
    bool frozen; /* the picture stands still while the run goes on */
    int64_t interrupted_ns;
};

void app_release(struct app *self);

/* Draws the whole screen for the canvas's size. */
void app_draw(struct app *app, struct canvas *canvas);

/* About once a second: what is not told by the run. */
void app_tick(struct app *app);

/* The run is gone without having said that it ended. */
void app_lose(struct app *app);

/* One key; `now_ns` is the monotonic clock. */
void app_key(struct app *app, int key, int64_t now_ns);

/* The mouse on what was drawn last: a click does what the spot under it means, twice is Enter; on a chart it puts the
 * crosshair there, a drag shows the range it covers, the wheel zooms; elsewhere the wheel moves in the list. */
void app_mouse(struct app *app, struct term_mouse mouse, int64_t now_ns);

/* Why the run of this screen cannot be asked for anything; NULL: it can. */
const char *app_refusal(const struct app *app);

/* Adds to what a key did here, in words. */
void app_say(struct app *app, const char *words);

/* For views: asks the run for something (`argument` NULL: none), unless this screen only looks. */
void app_ask(struct app *app, enum control command, const char *argument);
