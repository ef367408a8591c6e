/* The first view: how far the run is, its most important curves, where the time of a step goes, what happened. */
#include "tui/layout.h"
#include "tui/views/view.h"

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    (void)state;
    struct layout layout;
    const struct scene scene = view_scene(app);
    layout_solve(&layout, rect);
    for (int i = 0; i < PANES; i++)
        if (layout.pane[i].width > 0 && layout.pane[i].height > 0) pane_at(i)->draw(canvas, layout.pane[i], &scene);
}

const struct view view_train = {.name = "train", .draw = draw, .has_charts = true};
