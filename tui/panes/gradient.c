#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

#include <stdio.h>

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    char clip[32] = "";
    if (feed->status.clip_value > 0) snprintf(clip, sizeof clip, "clip %g", feed->status.clip_value);
    const struct chart chart = {.title = "gradient norm",
                                .line = {{feed_series(feed, "grad_norm"), "", SLOT_GRADIENT, SLOT_GRADIENT, false},
                                         {NULL, clip[0] ? clip : NULL, SLOT_CLIP, SLOT_CLIP, false}},
                                .level = feed->status.clip_value,
                                .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_gradient = {.name = "gradient", .draw = draw};
