/* The picture of the Train view: panes by layout, the line of keys, menus on top. */
#include "tui/app.h"
#include "tui/layout.h"
#include "tui/menu.h"

#include <stdio.h>
#include <string.h>

/* Keys at the left, what became of the last command at the right. */
static void draw_footer(const struct app *app, struct canvas *canvas, struct rect rect)
{
    const char *keys[][2] = {{"p", app->feed.status.state == RUN_PAUSED ? "resume" : "pause"},
                             {"c", "checkpoint"},
                             {"q", "quit"},
                             {"?", "help"}};
    int x = rect.x, end = rect.x + rect.width;
    for (int i = 0; i < 4 && x < end; i++) {
        x += canvas_text(canvas, x, rect.y, end - x, SLOT_KEY, "%s", keys[i][0]) + 1;
        x += canvas_text(canvas, x, rect.y, end - x, SLOT_DIM, "%s", keys[i][1]) + 2;
    }
    const struct feed *feed = &app->feed;
    if (feed->ended)
        canvas_text(canvas, x + 1, rect.y, end - x - 1, feed->exit_code ? SLOT_BAD : SLOT_GOOD,
                    "the run ended; any key closes this screen");
    else if (feed->asked[0])
        canvas_text(canvas, x + 1, rect.y, end - x - 1, strncmp(feed->answer, "not", 3) == 0 ? SLOT_BAD : SLOT_WARNING,
                    "%s: %s", feed->asked, feed->answer[0] ? feed->answer : "asked");
}

static void draw_too_small(struct canvas *canvas)
{
    canvas_text(canvas, 0, 0, canvas->width, SLOT_TEXT, "lathe needs %dx%d", LAYOUT_MIN_WIDTH, LAYOUT_MIN_HEIGHT);
    canvas_text(canvas, 0, 1, canvas->width, SLOT_DIM, "make it larger");
}

void app_draw(const struct app *app, struct canvas *canvas)
{
    struct layout layout;
    canvas_clear(canvas);
    layout_solve(&layout, canvas->width, canvas->height);
    if (layout.too_small) {
        draw_too_small(canvas);
        return;
    }
    if (!app->feed.has_status)
        canvas_text(canvas, 2, 2, canvas->width - 4, SLOT_DIM, "waiting for the run …");
    else
        for (int i = 0; i < PANES; i++)
            if (layout.pane[i].width > 0 && layout.pane[i].height > 0)
                pane_at(i)->draw(canvas, layout.pane[i], &app->feed);
    draw_footer(app, canvas, layout.footer);
    if (app->overlay != OVERLAY_NONE) menu_draw(app, canvas);
}
