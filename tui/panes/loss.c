#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const struct chart chart = {
        .title = "loss",
        .line = {{feed_series(feed, "train/loss"), "train", SLOT_TRAIN, SLOT_TRAIN_BAND, false},
                 {feed_series(feed, "val/loss"), "val", SLOT_VALIDATION, SLOT_VALIDATION, true}},
        .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_loss = {.name = "loss", .draw = draw};
