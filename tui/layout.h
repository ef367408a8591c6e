/* Where the panes of the Train view go: a pure function of its rectangle. Nothing overlaps, nothing lies outside; a
 * pane with no room has an empty rectangle. Thread: any. */
#pragma once

#include "tui/panes/pane.h"

struct layout {
    struct rect pane[PANES]; /* the header lies above the view: empty here */
};

void layout_solve(struct layout *self, struct rect rect);
