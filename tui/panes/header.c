/* One line: which run, on what, its state, step and clock. What does not fit is left out from the middle. */
#include "tui/panes/pane.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void state_of(const struct feed *feed, enum glyph *glyph, enum theme_slot *slot)
{
    switch (feed->status.state) {
    case RUN_STARTING:
    case RUN_RUNNING: *glyph = GLYPH_RUNNING, *slot = SLOT_GOOD; break;
    case RUN_PAUSED: *glyph = GLYPH_PAUSED, *slot = SLOT_WARNING; break;
    case RUN_DONE: *glyph = GLYPH_DONE, *slot = SLOT_GOOD; break;
    case RUN_STOPPED: *glyph = GLYPH_DONE, *slot = SLOT_WARNING; break;
    case RUN_FAILED:
    case RUN_NONFINITE:
    case RUN_KILLED:
    case RUN_STATES: *glyph = GLYPH_FAILED, *slot = SLOT_BAD; break;
    }
}

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const struct run_status *status = &feed->status;
    enum glyph glyph = GLYPH_RUNNING;
    enum theme_slot slot = SLOT_GOOD;
    char right[96], clock[16];
    state_of(feed, &glyph, &slot);
    text_clock(clock, status->elapsed_s);
    const char *state = status->state == RUN_RUNNING && status->stage != STAGE_TRAIN ? run_stage_name(status->stage)
                                                                                     : run_state_name(status->state);
    if (status->steps > 0)
        snprintf(right, sizeof right, "%s  step %" PRId64 "/%" PRId64 "  %s", state, status->step, status->steps,
                 clock);
    else
        snprintf(right, sizeof right, "%s  step %" PRId64 "  %s", state, status->step, clock);
    int width = (int)strlen(right) + 2, x = rect.x + rect.width - width;
    if (x < rect.x) x = rect.x;
    canvas_put(canvas, x, rect.y, canvas_glyph(canvas, glyph), slot);
    canvas_text(canvas, x + 2, rect.y, rect.x + rect.width - x - 2, slot, "%s", right);
    int room = x - rect.x - 2, used = 0;
    if (room < 8 || !feed->has_hello) return;
    used = canvas_text(canvas, rect.x, rect.y, room, SLOT_TITLE, "%s", feed->hello.name);
    if (room - used > 12)
        canvas_text(canvas, rect.x + used + 2, rect.y, room - used - 2, SLOT_DIM, "%s, %s, %s", feed->hello.model,
                    feed->hello.device, feed->hello.precision);
}

const struct pane pane_header = {.name = "header", .draw = draw};
