/* The last warnings and events, the newest at the bottom. */
#include "tui/panes/pane.h"

#include <inttypes.h>

static void draw_event(struct canvas *canvas, struct rect rect, int row, const struct feed_event *event)
{
    static const enum theme_slot slots[] = {
        [LEVEL_INFO] = SLOT_TEXT, [LEVEL_WARNING] = SLOT_WARNING, [LEVEL_SEVERE] = SLOT_BAD};
    int x = rect.x, y = rect.y + row;
    canvas_text(canvas, x, y, 8, SLOT_DIM, "%7" PRId64, event->step);
    canvas_text(canvas, x + 9, y, rect.width - 9 < 12 ? rect.width - 9 : 12, slots[event->level], "%s", event->kind);
    canvas_text(canvas, x + 22, y, rect.width - 22, slots[event->level], "%s", event->text);
}

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    canvas_rule(canvas, (struct rect){rect.x, rect.y, rect.width, 1}, "events");
    size_t rows = rect.height > 1 ? (size_t)rect.height - 1 : 0, count = feed->events < rows ? feed->events : rows;
    for (size_t i = 0; i < count; i++) draw_event(canvas, rect, (int)i + 1, &feed->event[feed->events - count + i]);
}

const struct pane pane_events = {.name = "events", .draw = draw};
