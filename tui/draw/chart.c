#include "tui/draw/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GUTTER = 8, COLUMNS_MAX = 512, ROWS_MAX = 128 };

/* Where a chart's dots go: a plot of `columns` x `rows` cells at (x, y). */
struct plot {
    struct canvas *canvas;
    int x, y, columns, rows;
    int64_t first_step, last_step;
    double low, high;
    uint8_t dots[ROWS_MAX][COLUMNS_MAX]; /* braille bits of a cell */
    uint8_t slot[ROWS_MAX][COLUMNS_MAX];
    uint8_t rank[ROWS_MAX][COLUMNS_MAX]; /* lines cover bands */
};

/* ---- scale ---- */

static void widen(struct plot *plot, double value)
{
    if (!isfinite(value)) return;
    if (value < plot->low) plot->low = value;
    if (value > plot->high) plot->high = value;
}

/* The range of all lines, a little more than their extremes; a flat line gets room around it. */
static bool find_range(struct plot *plot, const struct chart *chart)
{
    plot->low = INFINITY;
    plot->high = -INFINITY;
    plot->first_step = INT64_MAX;
    plot->last_step = chart->last_step;
    for (int i = 0; i < CHART_LINES; i++) {
        const struct series *series = chart->line[i].series;
        if (!series || series->count == 0) continue;
        struct series_bucket all = series_range(series, 0, series->count);
        if (all.low <= all.high) {
            widen(plot, (double)all.low);
            widen(plot, (double)all.high);
        }
        if (series->point[0].step < plot->first_step) plot->first_step = series->point[0].step;
        if (series->point[series->count - 1].step > plot->last_step)
            plot->last_step = series->point[series->count - 1].step;
    }
    if (plot->first_step > plot->last_step) return false;
    if (plot->low > plot->high) plot->low = 0, plot->high = 1; /* nothing finite: only marks */
    if (chart->level > 0 && chart->level < plot->high * 4) widen(plot, chart->level);
    double span = plot->high - plot->low;
    if (span <= fabs(plot->high) * 1e-6) span = fabs(plot->high) > 0 ? fabs(plot->high) * 0.2 : 1;
    plot->low -= span * 0.04;
    plot->high += span * 0.04;
    if (plot->low < 0 && plot->low + span * 0.05 >= 0) plot->low = 0;
    return true;
}

/* Dots of column x (two to a cell) cover these steps. */
static int64_t step_of(const struct plot *plot, int dot)
{
    double share = (double)dot / (plot->columns * 2);
    return plot->first_step + (int64_t)ceil(share * (double)(plot->last_step - plot->first_step + 1));
}

static int row_of(const struct plot *plot, double value)
{
    int dots = plot->rows * 4;
    int row = (int)((plot->high - value) / (plot->high - plot->low) * dots);
    return row < 0 ? 0 : row >= dots ? dots - 1 : row;
}

/* ---- dots ---- */

static void set_dot(struct plot *plot, int x, int y, enum theme_slot slot, int rank)
{
    static const uint8_t bit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int column = x / 2, row = y / 4;
    if (rank < plot->rank[row][column]) return;
    if (rank > plot->rank[row][column]) plot->dots[row][column] = 0; /* a line hides the band in its cell */
    plot->rank[row][column] = (uint8_t)rank;
    plot->slot[row][column] = (uint8_t)slot;
    plot->dots[row][column] |= bit[y % 4][x % 2];
}

static void span_dots(struct plot *plot, int x, int from, int to, enum theme_slot slot, int rank)
{
    if (from > to) {
        int swap = from;
        from = to;
        to = swap;
    }
    for (int y = from; y <= to; y++) set_dot(plot, x, y, slot, rank);
}

/* Minimum to maximum of what each column covers. */
static void draw_band(struct plot *plot, const struct chart_line *line, int rank)
{
    for (int x = 0; x < plot->columns * 2; x++) {
        size_t first = series_find(line->series, step_of(plot, x)),
               last = series_find(line->series, step_of(plot, x + 1));
        struct series_bucket bucket = series_range(line->series, first, last);
        if (bucket.low <= bucket.high)
            span_dots(plot, x, row_of(plot, (double)bucket.high), row_of(plot, (double)bucket.low), line->band, rank);
    }
}

/* The value a line has at point i. */
static double line_value(const struct chart_line *line, size_t i)
{
    return line->band != line->slot ? (double)line->series->smooth[i] : line->series->point[i].value;
}

/* A line through the last value of each column, joined over columns without points. */
static void draw_line(struct plot *plot, const struct chart_line *line, int rank)
{
    int before_x = -1, before_y = 0;
    for (int x = 0; x < plot->columns * 2; x++) {
        size_t first = series_find(line->series, step_of(plot, x)),
               last = series_find(line->series, step_of(plot, x + 1));
        if (first == last || !isfinite(line_value(line, last - 1))) continue;
        int y = row_of(plot, line_value(line, last - 1));
        if (before_x < 0) set_dot(plot, x, y, line->slot, rank);
        for (int k = before_x + 1; before_x >= 0 && k <= x; k++) {
            int a = before_y + (y - before_y) * (k - 1 - before_x) / (x - before_x),
                b = before_y + (y - before_y) * (k - before_x) / (x - before_x);
            span_dots(plot, k, a, b, line->slot, rank);
        }
        before_x = x, before_y = y;
    }
}

/* ---- cells ---- */

static uint32_t ascii_of(uint8_t dots)
{
    bool top = dots & 0x1B, bottom = dots & 0xE4;
    return top && bottom ? ':' : top ? '\'' : '.';
}

static void write_cells(struct plot *plot)
{
    for (int row = 0; row < plot->rows; row++)
        for (int column = 0; column < plot->columns; column++) {
            uint8_t dots = plot->dots[row][column];
            if (!dots) continue;
            uint32_t code = plot->canvas->ascii ? ascii_of(dots) : 0x2800u + dots;
            canvas_put(plot->canvas, plot->x + column, plot->y + row, code, (enum theme_slot)plot->slot[row][column]);
        }
}

static void draw_marks(struct plot *plot, const struct chart_line *line)
{
    bool sparse = line->series->count * 3 <= (size_t)plot->columns; /* else the marks would hide the line */
    for (int column = 0; column < plot->columns; column++) {
        size_t first = series_find(line->series, step_of(plot, 2 * column)),
               last = series_find(line->series, step_of(plot, 2 * column + 2));
        if (first == last) continue;
        struct series_bucket bucket = series_range(line->series, first, last);
        if (bucket.has_nonfinite) canvas_put(plot->canvas, plot->x + column, plot->y + plot->rows, '!', SLOT_BAD);
        double value = line->series->point[last - 1].value;
        if (line->points && sparse && isfinite(value))
            canvas_put(plot->canvas, plot->x + column, plot->y + row_of(plot, value) / 4,
                       canvas_glyph(plot->canvas, GLYPH_DIAMOND), line->slot);
    }
}

static void draw_level(struct plot *plot, double level)
{
    if (!(level > plot->low && level < plot->high)) return;
    int y = plot->y + row_of(plot, level) / 4;
    for (int column = 0; column < plot->columns; column += 2)
        canvas_put(plot->canvas, plot->x + column, y, canvas_glyph(plot->canvas, GLYPH_RULE), SLOT_CLIP);
}

/* ---- around the plot ---- */

/* A number in at most seven columns. */
static void label(char text[16], double value)
{
    double size = fabs(value);
    if (value == 0)
        snprintf(text, 16, "0");
    else if (size >= 1e5 || size < 1e-3)
        snprintf(text, 16, "%.1e", value);
    else
        snprintf(text, 16, "%.*f", size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 4, value);
}

static void draw_axes(struct plot *plot)
{
    int rows[3] = {0, plot->rows / 2, plot->rows - 1};
    for (int i = 0; i < (plot->rows >= 5 ? 3 : 2); i++) {
        int row = plot->rows >= 5 ? rows[i] : rows[2 * i];
        char text[16];
        label(text, plot->high - (row + 0.5) / plot->rows * (plot->high - plot->low));
        canvas_text(plot->canvas, plot->x - 1 - (int)strlen(text), plot->y + row, GUTTER, SLOT_DIM, "%s", text);
    }
    char right[24];
    snprintf(right, sizeof right, "%" PRId64, plot->last_step);
    int y = plot->y + plot->rows;
    for (int column = 0; column < plot->columns; column++)
        canvas_put(plot->canvas, plot->x + column, y, canvas_glyph(plot->canvas, GLYPH_RULE), SLOT_RULE);
    canvas_text(plot->canvas, plot->x, y, plot->columns / 2, SLOT_DIM, "%" PRId64, plot->first_step);
    canvas_text(plot->canvas, plot->x + plot->columns - (int)strlen(right), y, (int)strlen(right), SLOT_DIM, "%s",
                right);
}

/* "LOSS   train 0.1234   val 0.2345" */
static void draw_title(struct canvas *canvas, struct rect rect, const struct chart *chart)
{
    int x = rect.x + canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_TITLE, "%s", chart->title);
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        if (!line->label) continue;
        x += 2 + canvas_text(canvas, x + 2, rect.y, rect.x + rect.width - x - 2, line->slot, "%s", line->label);
        if (!line->series || line->series->count == 0) continue;
        canvas_text(canvas, x + 1, rect.y, rect.x + rect.width - x - 1, SLOT_VALUE, "%.4g",
                    line->series->point[line->series->count - 1].value);
        x += 10; /* whatever the digits: nothing behind it moves */
    }
}

void chart_draw(struct canvas *canvas, struct rect rect, const struct chart *chart)
{
    draw_title(canvas, rect, chart);
    static struct plot plot; /* the screen's thread only; too large for a stack */
    plot = (struct plot){.canvas = canvas, .x = rect.x + GUTTER, .y = rect.y + 1};
    plot.columns = rect.width - GUTTER < COLUMNS_MAX ? rect.width - GUTTER : COLUMNS_MAX;
    plot.rows = rect.height - 2 < ROWS_MAX ? rect.height - 2 : ROWS_MAX;
    if (plot.columns < 4 || plot.rows < 1) return;
    if (!find_range(&plot, chart)) {
        canvas_text(canvas, plot.x, plot.y, plot.columns, SLOT_DIM, "no values yet");
        return;
    }
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        if (!line->series || line->series->count == 0) continue;
        if (line->band != line->slot) draw_band(&plot, line, 1);
        draw_line(&plot, line, 2 + i);
        if (line->band == line->slot) draw_band(&plot, line, 2 + i); /* a spike within a column */
    }
    draw_level(&plot, chart->level);
    write_cells(&plot);
    draw_axes(&plot);
    for (int i = 0; i < CHART_LINES; i++)
        if (chart->line[i].series && chart->line[i].series->count) draw_marks(&plot, &chart->line[i]);
}
