/* How charts look at series: what the X axis counts, which part of it is shown, where the crosshair stands. One lens
 * for all charts of a screen, so that they stay in step. Thread: the screen's. Zero-initialised shows everything. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum lens_axis { LENS_STEP, LENS_EPOCH, LENS_RELATIVE, LENS_WALL, LENS_AXES };

struct lens {
    enum lens_axis axis;
    bool zoomed; /* only steps first … last are shown, else all */
    int64_t first, last;
    bool has_cursor;
    int64_t cursor; /* step under the crosshair */
    bool selecting; /* the mouse draws a range, from `anchor` to the crosshair */
    int64_t anchor;
    bool log_y, raw; /* raw: no smoothed lines */
};

/* The steps that are shown, of a run from step `begin` to `end`. */
void lens_range(const struct lens *self, int64_t begin, int64_t end, int64_t *first, int64_t *last);

/* Zooms by a factor below 1 (in) or above (out), around the crosshair or the middle. */
void lens_zoom(struct lens *self, int64_t begin, int64_t end, double factor);

/* The same around a step, which stays where it is. */
void lens_zoom_at(struct lens *self, int64_t begin, int64_t end, double factor, int64_t step);

/* Shows the steps between two, in any order. */
void lens_show(struct lens *self, int64_t begin, int64_t end, int64_t a, int64_t b);

/* Moves what is shown by a share of its width. */
void lens_pan(struct lens *self, int64_t begin, int64_t end, double share);

/* Moves the crosshair by a share of the width; the first move puts it to the newest step. */
void lens_move(struct lens *self, int64_t begin, int64_t end, double share);

/* Puts the crosshair on a step, and pans where it lies outside. */
void lens_look_at(struct lens *self, int64_t begin, int64_t end, int64_t step);
