/* The sheet an exported chart is drawn on: where steps and values lie in a picture of some pixels, and which of them
 * stand at its axes. Thread: the screen's; reads series only. */
#pragma once

#include "tui/draw/chart.h"

enum { SHEET_TICKS = 16 };

struct sheet {
    const struct chart *chart;
    int left, top, width, height; /* of the plot, in pixels of the picture */
    bool by_log;
    double low, high; /* of what is shown: logarithms, with by_log */
};

/* Fills low and high for what the chart shows of all its lines, a little more than their extremes. */
void sheet_settle(struct sheet *self);

double sheet_x(const struct sheet *self, int64_t step);
/* Outside values lie on the border; NaN where a value has no place. */
double sheet_y(const struct sheet *self, double value);

/* Round numbers for the axes, in order; returns how many. */
int sheet_values(const struct sheet *self, double value[SHEET_TICKS]);
int sheet_steps(const struct sheet *self, int64_t step[SHEET_TICKS]);

/* What a line holds in a column of pixels, 0 … width - 1. */
struct series_bucket sheet_column(const struct sheet *self, const struct series *series, int column);

/* A point of a series (of its smoothed line) at most twice for each column of pixels: starting with *at = 0, true while
 * there is one. Where it has no place, *y is NaN. */
bool sheet_next(const struct sheet *self, const struct series *series, bool smooth, size_t *at, double *x, double *y);

/* Is a line drawn smooth, over a band of its values? */
bool sheet_is_smooth(const struct sheet *self, const struct chart_line *line);

/* The name a line goes by. */
const char *sheet_label(const struct sheet *self, const struct chart_line *line);
