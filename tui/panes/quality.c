/* The metric that decides what is best (accuracy, unless the run monitors another), on both sides. */
#include "tui/draw/chart.h"
#include "tui/panes/pane.h"

#include <stdio.h>
#include <string.h>

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const char *slash = strchr(feed->status.monitor, '/'),
               *metric = slash && strcmp(slash, "/loss") != 0 ? slash + 1 : "acc";
    char train[80], validation[80];
    snprintf(train, sizeof train, "train/%s", metric);
    snprintf(validation, sizeof validation, "val/%s", metric);
    const struct chart chart = {
        .title = strcmp(metric, "acc") == 0 ? "accuracy" : metric,
        .line = {{.series = feed_series(feed, train), .label = "train", .slot = SLOT_TRAIN, .band = SLOT_TRAIN},
                 {.series = feed_series(feed, validation),
                  .label = "val",
                  .slot = SLOT_VALIDATION,
                  .band = SLOT_VALIDATION,
                  .points = true}},
        .scope = &scene->scope};
    chart_draw(canvas, rect, &chart);
}

const struct pane pane_quality = {.name = "quality", .draw = draw};
