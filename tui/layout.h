/* Where the panes of the Train view go: a pure function of the terminal's size. Nothing overlaps, nothing lies outside;
 * a pane with no room has an empty rectangle. Thread: any. */
#pragma once

#include "tui/panes/pane.h"

enum { LAYOUT_MIN_WIDTH = 20, LAYOUT_MIN_HEIGHT = 6 };

struct layout {
    bool too_small; /* only a sentence fits */
    struct rect pane[PANES];
    struct rect footer; /* one row of keys */
};

void layout_solve(struct layout *self, int width, int height);
