#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

#include <stdio.h>

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    char clip[32] = "";
    if (feed->status.clip_value > 0) snprintf(clip, sizeof clip, "clip %g", feed->status.clip_value);
    const struct chart chart = {
        .title = "gradient norm",
        .line = {{.series = feed_series(feed, "grad_norm"), .label = "", .slot = SLOT_GRADIENT, .band = SLOT_GRADIENT},
                 {.label = clip[0] ? clip : NULL, .slot = SLOT_CLIP, .band = SLOT_CLIP}},
        .level = feed->status.clip_value,
        .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_gradient = {.name = "gradient", .draw = draw};
