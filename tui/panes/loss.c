#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const struct chart chart = {.title = "loss",
                                .line = {{.series = feed_series(feed, "train/loss"),
                                          .label = "train",
                                          .slot = SLOT_TRAIN,
                                          .band = SLOT_TRAIN_BAND},
                                         {.series = feed_series(feed, "val/loss"),
                                          .label = "val",
                                          .slot = SLOT_VALIDATION,
                                          .band = SLOT_VALIDATION,
                                          .points = true}},
                                .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_loss = {.name = "loss", .draw = draw};
