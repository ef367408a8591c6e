/* A pane: draws one part of a view from a feed into a rectangle; a pure function. Thread: the screen's. */
#pragma once

#include "tui/draw/canvas.h"
#include "tui/feed/feed.h"

struct pane {
    const char *name;
    void (*draw)(struct canvas *canvas, struct rect rect, const struct feed *feed);
};

#define PANE(name) extern const struct pane pane_##name;
#include "tui/panes/panes.def"
#undef PANE

enum pane_id {
#define PANE(name) PANE_##name,
#include "tui/panes/panes.def"
#undef PANE
    PANES
};
const struct pane *pane_at(int id);
