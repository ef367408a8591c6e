/* A pane: draws one part of a view from a scene into a rectangle; a pure function. Thread: the screen's. */
#pragma once

#include "tui/draw/chart.h"
#include "tui/feed/feed.h"

/* What a pane may see. */
struct scene {
    const struct feed *feed;
    struct scope scope; /* for charts */
};

struct pane {
    const char *name;
    void (*draw)(struct canvas *canvas, struct rect rect, const struct scene *scene);
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
