/* A line chart in a rectangle: braille dots (2 x 4 to a cell) or ASCII, the whole history, extremes never lost,
 * non-finite values as marks on the axis. Thread: the screen's; reads series only. */
#pragma once

#include "tui/draw/canvas.h"
#include "tui/draw/lens.h"
#include "tui/feed/series.h"

enum { CHART_LINES = 8 };

struct chart_line {
    const struct series *series; /* NULL or empty: not drawn */
    const char *label;
    enum theme_slot slot;
    enum theme_slot band; /* slot of the band minimum … maximum behind a smoothed line; same as slot: the values
                             themselves, no band */
    bool points;          /* marks at each point as well: few values, far apart */
    char letter;          /* stands at the end of the line and before its label, to tell runs apart; 0: none, or at
                             the end the label's first where there are no colours */
};

/* Something that happened, to be seen on the axis. */
struct chart_mark {
    int64_t step;
    double wall;
    enum theme_slot slot;
};

/* What all charts of a screen show of the X axis, and where the crosshair stands. */
struct scope {
    const struct lens *lens;
    int64_t first, last;          /* steps */
    double wall_first, wall_last; /* when those were */
    double wall_begin;            /* when the run began */
    double steps_per_epoch;       /* 0: unknown */
    bool has_cursor;
    int64_t cursor;
    double wall_cursor;
    double wall_anchor;            /* of the lens's anchor, while the mouse draws a range */
    const struct chart_mark *mark; /* lent; later ones cover earlier ones */
    size_t marks;
};

struct chart {
    const char *title;
    struct chart_line line[CHART_LINES];
    double level;      /* a horizontal line (clipping), 0 = none */
    double least_span; /* how much of the largest value a linear Y axis covers at least */
    const struct scope *scope;
    bool compares; /* lines are runs: what they differ from the first by stands beside them */
};

void chart_draw(struct canvas *canvas, struct rect rect, const struct chart *chart);
