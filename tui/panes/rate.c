#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const struct chart chart = {
        .title = "learning rate",
        .line = {{.series = feed_series(feed, "lr"), .label = "", .slot = SLOT_RATE, .band = SLOT_RATE}},
        .least_span = 0.1, /* a cosine's first thousandths are no slope yet */
        .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_rate = {.name = "rate", .draw = draw};
