/* A chart as pixels: as the SVG has it, on a larger sheet. */
#include "tui/draw/export.h"
#include "tui/draw/raster.h"
#include "tui/draw/sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 1200, HEIGHT = 700, LEFT = 100, RIGHT = 30, TOP = 60, BOTTOM = 60 };
enum { TEXT = 0x333333, GRID = 0xdddddd, FRAME = 0x888888, BROKEN = 0xcc0000 };

static const uint32_t colors[CHART_LINES] = {0x0072b2, 0xe69f00, 0x009e73, 0xcc79a7,
                                             0xd55e00, 0x56b4e9, 0x999999, 0x000000};

static void stroke(struct raster *raster, double x0, double y0, double x1, double y1, double thickness)
{
    raster_line(raster, (const double[2]){x0, y0}, (const double[2]){x1, y1}, thickness);
}

static int width_of(const char *text)
{
    return RASTER_LETTER_WIDTH * (int)strlen(text);
}

static void draw_axes(struct raster *raster, const struct sheet *sheet)
{
    const int right = sheet->left + sheet->width, bottom = sheet->top + sheet->height;
    double value[SHEET_TICKS];
    int64_t step[SHEET_TICKS];
    char text[32];
    for (int i = 0, count = sheet_values(sheet, value); i < count; i++) {
        const double y = floor(sheet_y(sheet, value[i])) + 0.5;
        stroke(raster, sheet->left, y, right, y, 1);
        snprintf(text, sizeof text, "%.4g", value[i]);
        raster_text(raster, LEFT - 10 - width_of(text), (int)y - RASTER_LETTER_HEIGHT / 2, TEXT, text);
    }
    for (int i = 0, count = sheet_steps(sheet, step); i < count; i++) {
        const double x = floor(sheet_x(sheet, step[i])) + 0.5;
        stroke(raster, x, sheet->top, x, bottom, 1);
        snprintf(text, sizeof text, "%" PRId64, step[i]);
        raster_text(raster, (int)x - width_of(text) / 2, bottom + 8, TEXT, text);
    }
    raster_ink(raster, GRID, 1);
    stroke(raster, LEFT - 0.5, TOP, LEFT - 0.5, bottom + 0.5, 1);
    stroke(raster, LEFT - 0.5, bottom + 0.5, right, bottom + 0.5, 1);
    raster_ink(raster, FRAME, 1);
    raster_text(raster, LEFT + sheet->width / 2 - width_of("step") / 2, HEIGHT - 26, TEXT, "step");
}

static void draw_curve(struct raster *raster, const struct sheet *sheet, int i, bool smooth, double thickness)
{
    double x, y, before[2] = {NAN, NAN};
    for (size_t at = 0; sheet_next(sheet, sheet->chart->line[i].series, smooth, &at, &x, &y);) {
        if (!isnan(y) && !isnan(before[1])) stroke(raster, before[0], before[1], x, y, thickness);
        before[0] = x, before[1] = y;
    }
}

/* The values themselves: from the greatest to the least of each column. */
static void draw_band(struct raster *raster, const struct sheet *sheet, int i)
{
    const struct chart_line *line = &sheet->chart->line[i];
    const int bottom = sheet->top + sheet->height;
    for (int x = 0; x < sheet->width; x++) {
        const struct series_bucket bucket = sheet_column(sheet, line->series, x);
        const double at = LEFT + x + 0.5, high = sheet_y(sheet, (double)bucket.high),
                     low = sheet_y(sheet, (double)bucket.low);
        if (bucket.low <= bucket.high && !isnan(high)) stroke(raster, at, high, at, isnan(low) ? bottom : low, 1);
    }
    draw_curve(raster, sheet, i, false, 1);
    raster_ink(raster, colors[i], sheet_is_smooth(sheet, line) ? 0.25 : 1);
}

/* What is not finite stands on the axis. */
static void draw_broken(struct raster *raster, const struct sheet *sheet, int i)
{
    const int bottom = sheet->top + sheet->height;
    for (int x = 0; x < sheet->width; x++)
        if (sheet_column(sheet, sheet->chart->line[i].series, x).has_nonfinite)
            stroke(raster, LEFT + x + 0.5, bottom - 10, LEFT + x + 0.5, bottom, 2);
    raster_ink(raster, BROKEN, 1);
}

/* A disc at each point where they are few. */
static void draw_points(struct raster *raster, const struct sheet *sheet, int i)
{
    enum { FEW = 60 };
    const struct chart_line *line = &sheet->chart->line[i];
    double x, y;
    if (!line->points || line->series->count > FEW) return;
    for (size_t at = 0; sheet_next(sheet, line->series, false, &at, &x, &y);)
        if (!isnan(y)) stroke(raster, x, y, x, y, 8);
}

static void draw_line(struct raster *raster, const struct sheet *sheet, int i)
{
    draw_band(raster, sheet, i);
    draw_broken(raster, sheet, i);
    draw_curve(raster, sheet, i, sheet_is_smooth(sheet, &sheet->chart->line[i]), 2);
    draw_points(raster, sheet, i);
    raster_ink(raster, colors[i], 1);
}

static void draw_level(struct raster *raster, const struct sheet *sheet)
{
    const double y = sheet_y(sheet, sheet->chart->level);
    if (!(sheet->chart->level > 0) || !(y > sheet->top && y < sheet->top + sheet->height)) return;
    for (int x = 0; x < sheet->width; x += 14)
        stroke(raster, LEFT + x, y, fmin(LEFT + x + 7, LEFT + sheet->width), y, 1.5);
    raster_ink(raster, BROKEN, 1);
}

/* Names of the lines, right of the title. */
static void draw_names(struct raster *raster, const struct sheet *sheet)
{
    int x = LEFT + width_of(sheet->chart->title) + 4 * RASTER_LETTER_WIDTH;
    raster_text(raster, LEFT, 22, TEXT, sheet->chart->title);
    raster_text(raster, LEFT + 1, 22, TEXT, sheet->chart->title); /* bold */
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &sheet->chart->line[i];
        if (!line->series || line->series->count == 0 || !line->label || !line->label[0]) continue;
        stroke(raster, x, 30, x + 24, 30, 3);
        raster_ink(raster, colors[i], 1);
        raster_text(raster, x + 32, 22, TEXT, line->label);
        x += 32 + width_of(line->label) + 2 * RASTER_LETTER_WIDTH;
    }
}

enum lt_err export_png(struct text *out, const struct chart *chart)
{
    struct raster raster;
    struct sheet sheet = {.chart = chart,
                          .left = LEFT,
                          .top = TOP,
                          .width = WIDTH - LEFT - RIGHT,
                          .height = HEIGHT - TOP - BOTTOM,
                          .by_log = chart->scope->lens->log_y};
    sheet_settle(&sheet);
    raster_init(&raster, WIDTH, HEIGHT);
    draw_axes(&raster, &sheet);
    draw_level(&raster, &sheet);
    for (int i = CHART_LINES - 1; i >= 0; i--) {
        const struct chart_line *line = &chart->line[i];
        if (!line->series || line->series->count == 0) continue;
        draw_line(&raster, &sheet, i);
    }
    draw_names(&raster, &sheet);
    const enum lt_err err = raster_png(&raster, out);
    raster_release(&raster);
    return err;
}
