#include "tui/layout.h"

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
    if (rows == 0) self->pane[PANE_loss] = area; /* its title says the values */
}

void layout_solve(struct layout *self, struct rect rect)
{
    struct rect rest = rect;
    *self = (struct layout){0};
    self->pane[PANE_bars] = rect_take(&rest, rect.height > 3 ? 3 : rect.height > 1 ? rect.height - 1 : 1);
    int events = rest.height >= 36 ? 10 : rest.height >= 26 ? 7 : rest.height >= 16 ? 4 : 0;
    int phases = rest.height - events >= 12 && rect.width >= 40 ? 3 : 0;
    place_charts(self, rect_take(&rest, rest.height - events - phases));
    self->pane[PANE_phases] = rect_take(&rest, phases);
    self->pane[PANE_events] = rect_take(&rest, events);
}
