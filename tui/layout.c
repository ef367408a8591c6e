#include "tui/layout.h"

/* What is left of the screen, from the top; rows are taken off it. */
static struct rect take_rows(struct rect *rest, int rows)
{
    struct rect taken = {rest->x, rest->y, rest->width, rows < rest->height ? rows : rest->height};
    rest->y += taken.height;
    rest->height -= taken.height;
    return taken;
}

/* Two by two charts where they fit, side by side or one below the other where they do not, the most important first. */
static void place_charts(struct layout *self, struct rect area)
{
    static const enum pane_id order[4] = {PANE_loss, PANE_quality, PANE_gradient, PANE_rate};
    int columns = area.width >= 72 ? 2 : 1, fits = area.height / 5, rows = columns == 2 ? 2 : 4;
    if (rows > fits) rows = fits;
    for (int i = 0; rows > 0 && i < rows * columns; i++) {
        int row = i / columns, column = i % columns, top = area.height * row / rows,
            bottom = area.height * (row + 1) / rows;
        int gap = columns == 2 ? 2 : 0, half = (area.width - gap) / 2;
        struct rect rect = {area.x, area.y + top, area.width, bottom - top};
        if (columns == 2) {
            rect.x += column * (half + gap);
            rect.width = column ? area.width - half - gap : half;
        }
        self->pane[order[i]] = rect;
    }
}

void layout_solve(struct layout *self, int width, int height)
{
    *self = (struct layout){.too_small = width < LAYOUT_MIN_WIDTH || height < LAYOUT_MIN_HEIGHT};
    if (self->too_small) return;
    struct rect rest = {0, 0, width, height};
    self->pane[PANE_header] = take_rows(&rest, 1);
    self->footer = (struct rect){0, height - 1, width, 1};
    rest.height--;
    self->pane[PANE_bars] = take_rows(&rest, 3);
    int events = rest.height >= 36 ? 10 : rest.height >= 26 ? 7 : rest.height >= 17 ? 4 : 0;
    int phases = rest.height - events >= 13 && width >= 40 ? 3 : 0;
    struct rect charts = take_rows(&rest, rest.height - events - phases);
    place_charts(self, charts);
    self->pane[PANE_phases] = take_rows(&rest, phases);
    self->pane[PANE_events] = take_rows(&rest, events);
}
