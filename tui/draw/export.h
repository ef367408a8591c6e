/* A chart as files: CSV with every point that is shown, SVG, PNG. Thread: the screen's. */
#pragma once

#include "data/base/text.h"
#include "tui/draw/chart.h"

/* "series,step,wall,value", a row for each point. */
void export_csv(struct text *out, const struct chart *chart);

/* Lines, bands, axes with labels; non-finite values are marks on the axis. Light background. */
void export_svg(struct text *out, const struct chart *chart);

/* The same as a picture of 1200 x 700 pixels. */
enum lt_err export_png(struct text *out, const struct chart *chart) LT_MUST_CHECK;

/* Writes FOLDER/charts/NAME.csv, .svg and .png ('/' in the name becomes '-'); *where is the path without its ending
 * (caller frees). */
enum lt_err export_files(char **where, const struct chart *chart, const char *folder, const char *name) LT_MUST_CHECK;
