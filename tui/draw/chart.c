#include "tui/draw/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { GUTTER = 8, COLUMNS_MAX = 512, ROWS_MAX = 128 };

/* Where a chart's dots go: a plot of `columns` x `rows` cells at (x, y). */
struct plot {
    struct canvas *canvas;
    const struct scope *scope;
    int x, y, columns, rows;
    bool by_time;                        /* the X axis is time, else steps */
    double low, high;                    /* of what is drawn: logarithms, with log_y */
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

/* ---- X: dots (two to a cell) cover steps, or seconds ---- */

/* The first point of a series that lies at a dot or behind it. */
static size_t find_dot(const struct plot *plot, const struct series *series, int dot)
{
    const struct scope *scope = plot->scope;
    const double share = (double)dot / (plot->columns * 2);
    if (plot->by_time) {
        if (dot == plot->columns * 2) return series_find_wall(series, nextafter(scope->wall_last, INFINITY));
        return series_find_wall(series, scope->wall_first + share * (scope->wall_last - scope->wall_first));
    }
    return series_find(series, scope->first + (int64_t)ceil(share * (double)(scope->last - scope->first + 1)));
}

static int column_of(const struct plot *plot, int64_t step, double wall)
{
    const struct scope *scope = plot->scope;
    const double share = plot->by_time ? (wall - scope->wall_first) / fmax(scope->wall_last - scope->wall_first, 1e-9)
                                       : (double)(step - scope->first) / (double)(scope->last - scope->first + 1);
    const int column = (int)(share * plot->columns);
    return column < 0 || share > 1 ? -1 : column < plot->columns ? column : plot->columns - 1;
}

/* ---- Y ---- */

/* A value's place on the axis; NaN where it has none. */
static double place(const struct plot *plot, double value)
{
    if (!plot->scope->lens->log_y) return value;
    return value > 0 ? log10(value) : NAN;
}

/* The range of all lines in what is shown, a little more than their extremes; a flat line gets room around it. */
static bool find_range(struct plot *plot, const struct chart *chart)
{
    const bool by_log = plot->scope->lens->log_y;
    bool any = false;
    plot->low = INFINITY;
    plot->high = -INFINITY;
    for (int i = 0; i < CHART_LINES; i++) {
        const struct series *series = chart->line[i].series;
        if (!series || series->count == 0) continue;
        const struct series_bucket all = series_range(series, find_dot(plot, series, 0),
                                                      find_dot(plot, series, plot->columns * 2));
        any = true;
        if (all.low > all.high) continue;
        widen(plot, place(plot, (double)all.high));
        widen(plot, by_log && all.low <= 0 ? place(plot, (double)all.high * 1e-6) : place(plot, (double)all.low));
    }
    if (!any) return false;
    if (plot->low > plot->high) plot->low = 0, plot->high = 1; /* nothing finite: only marks */
    if (chart->level > 0 && place(plot, chart->level) < plot->high + (by_log ? 0.6 : 3 * fabs(plot->high)))
        widen(plot, place(plot, chart->level));
    double span = plot->high - plot->low;
    if (!by_log && span < chart->least_span * fabs(plot->high)) {
        span = chart->least_span * fabs(plot->high);
        plot->low = plot->high - span;
    }
    if (span <= fabs(plot->high) * 1e-6) span = fabs(plot->high) > 0 && !by_log ? fabs(plot->high) * 0.2 : 1;
    const double unit = exp2(floor(log2(span)) - 4); /* ends move by steps: not with every value */
    const bool positive = plot->low >= 0;
    plot->low = floor((plot->low - span * 0.02) / unit) * unit;
    plot->high = ceil((plot->high + span * 0.02) / unit) * unit;
    if (!by_log && positive && plot->low < 0) plot->low = 0;
    return true;
}

/* The row of dots of a value; -1 where it has none. */
static int row_of(const struct plot *plot, double value)
{
    const int dots = plot->rows * 4;
    const double at = place(plot, value);
    if (!isfinite(at)) return isnan(at) && isfinite(value) ? dots - 1 : -1; /* below a logarithmic axis */
    const int row = (int)((plot->high - at) / (plot->high - plot->low) * dots);
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
    if (from < 0 || to < 0) return;
    if (from > to) {
        int swap = from;
        from = to;
        to = swap;
    }
    for (int y = from; y <= to; y++) set_dot(plot, x, y, slot, rank);
}

static bool is_smooth(const struct plot *plot, const struct chart_line *line)
{
    return line->band != line->slot && !plot->scope->lens->raw;
}

/* Minimum to maximum of what each column covers. */
static void draw_band(struct plot *plot, const struct chart_line *line, int rank)
{
    const enum theme_slot slot = is_smooth(plot, line) ? line->band : line->slot;
    for (int x = 0; x < plot->columns * 2; x++) {
        size_t first = find_dot(plot, line->series, x), last = find_dot(plot, line->series, x + 1);
        struct series_bucket bucket = series_range(line->series, first, last);
        if (bucket.low <= bucket.high)
            span_dots(plot, x, row_of(plot, (double)bucket.high), row_of(plot, (double)bucket.low), slot, rank);
    }
}

/* The value a line has at point i. */
static double line_value(const struct plot *plot, const struct chart_line *line, size_t i)
{
    return is_smooth(plot, line) ? (double)line->series->smooth[i] : line->series->point[i].value;
}

/* A line through the last value of each column, joined over columns without points. */
static void draw_line(struct plot *plot, const struct chart_line *line, int rank)
{
    int before_x = -1, before_y = 0;
    for (int x = 0; x < plot->columns * 2; x++) {
        size_t first = find_dot(plot, line->series, x), last = find_dot(plot, line->series, x + 1);
        int y = first == last ? -1 : row_of(plot, line_value(plot, line, last - 1));
        if (y < 0) continue;
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

static void write_cells(struct plot *plot)
{
    for (int row = 0; row < plot->rows; row++)
        for (int column = 0; column < plot->columns; column++) {
            uint8_t dots = plot->dots[row][column];
            if (!dots) continue;
            uint32_t code = canvas_dots(plot->canvas, dots);
            canvas_put(plot->canvas, plot->x + column, plot->y + row, code, (enum theme_slot)plot->slot[row][column]);
        }
}

static void draw_marks(struct plot *plot, const struct chart_line *line)
{
    bool sparse = line->series->count * 3 <= (size_t)plot->columns; /* else the marks would hide the line */
    for (int column = 0; column < plot->columns; column++) {
        size_t first = find_dot(plot, line->series, 2 * column), last = find_dot(plot, line->series, 2 * column + 2);
        if (first == last) continue;
        struct series_bucket bucket = series_range(line->series, first, last);
        if (bucket.has_nonfinite) canvas_put(plot->canvas, plot->x + column, plot->y + plot->rows, '!', SLOT_BAD);
        double value = line->series->point[last - 1].value;
        if (line->points && sparse && isfinite(value))
            canvas_put(plot->canvas, plot->x + column, plot->y + row_of(plot, value) / 4,
                       canvas_glyph(plot->canvas, GLYPH_DIAMOND), line->slot);
    }
}

/* A line's letter; without colours two lines need one each: the first of the label. */
static char letter_of(const struct canvas *canvas, const struct chart *chart, const struct chart_line *line)
{
    int labels = 0;
    for (int i = 0; i < CHART_LINES; i++) labels += chart->line[i].label && chart->line[i].label[0];
    return line->letter || !canvas->colorless || labels < 2 || !line->label ? line->letter : line->label[0];
}

/* At the newest of the line's points that are shown. */
static void draw_letter(const struct plot *plot, const struct chart_line *line, char letter)
{
    const size_t end = find_dot(plot, line->series, plot->columns * 2);
    if (!letter || end == 0) return;
    const struct wire_point *point = &line->series->point[end - 1];
    const int row = row_of(plot, line_value(plot, line, end - 1)), column = column_of(plot, point->step, point->wall);
    if (row >= 0 && column >= 0)
        canvas_put(plot->canvas, plot->x + column, plot->y + row / 4, (uint32_t)letter, line->slot);
}

static void draw_level(struct plot *plot, double level)
{
    if (!(place(plot, level) > plot->low && place(plot, level) < plot->high)) return;
    int y = plot->y + row_of(plot, level) / 4;
    for (int column = 0; column < plot->columns; column += 2)
        canvas_put(plot->canvas, plot->x + column, y, canvas_glyph(plot->canvas, GLYPH_RULE), SLOT_CLIP);
}

/* ---- around the plot ---- */

/* A number in at most seven columns, with the digits that tell values `span` apart from each other. */
static void label(char text[16], double value, double span)
{
    const double size = fabs(value);
    const int digits = span > 0 ? (int)ceil(1.5 - log10(span)) : 3, most = size < 10 ? 6 : size < 1000 ? 4 : 2;
    if (value == 0) {
        snprintf(text, 16, "0");
    } else if (size >= 1e6 || size < 1e-5) {
        snprintf(text, 16, "%.1e", value);
    } else {
        snprintf(text, 16, "%.*f", digits < 0 ? 0 : digits < most ? digits : most, value);
        if (strlen(text) > GUTTER - 1 && text[0] == '0') memmove(text, text + 1, strlen(text));
    }
}

/* What stands at an end of the X axis. */
static void axis_label(const struct scope *scope, char text[32], int64_t step, double wall)
{
    const time_t seconds = (time_t)wall;
    struct tm day;
    switch (scope->lens->axis) {
    case LENS_RELATIVE: text_clock(text, wall - scope->wall_begin); return;
    case LENS_WALL: strftime(text, 32, "%H:%M:%S", localtime_r(&seconds, &day)); return;
    case LENS_EPOCH:
        if (scope->steps_per_epoch > 0) {
            snprintf(text, 32, "ep %.2f", (double)step / scope->steps_per_epoch);
            return;
        }
        break;
    case LENS_STEP:
    case LENS_AXES: break;
    }
    snprintf(text, 32, "%" PRId64, step);
}

static void draw_y_labels(const struct plot *plot)
{
    const int rows[3] = {0, plot->rows - 1, plot->rows / 2};
    for (int i = 0; i < (plot->rows >= 5 ? 3 : plot->rows >= 2 ? 2 : 1); i++) {
        const int row = rows[i];
        const double at = plot->high - (row + 0.5) / plot->rows * (plot->high - plot->low);
        char text[16];
        if (plot->scope->lens->log_y)
            label(text, pow(10, at), pow(10, at));
        else
            label(text, at, plot->high - plot->low);
        canvas_text(plot->canvas, plot->x - 1 - (int)strlen(text), plot->y + row, GUTTER, SLOT_DIM, "%s", text);
    }
}

/* A vertical line: where no dots are, and on the axis. */
static void draw_upright(const struct plot *plot, int64_t step, double wall)
{
    const int column = column_of(plot, step, wall);
    if (column < 0) return;
    for (int row = 0; row <= plot->rows; row++)
        if (row == plot->rows || !plot->dots[row][column])
            canvas_put(plot->canvas, plot->x + column, plot->y + row, canvas_glyph(plot->canvas, GLYPH_BESIDE),
                       SLOT_KEY);
}

/* The crosshair, and where the range begins that the mouse draws. */
static void draw_cursor(const struct plot *plot)
{
    const struct scope *scope = plot->scope;
    if (scope->has_cursor) draw_upright(plot, scope->cursor, scope->wall_cursor);
    if (scope->lens->selecting) draw_upright(plot, scope->lens->anchor, scope->wall_anchor);
}

static void draw_axes(const struct plot *plot)
{
    const struct scope *scope = plot->scope;
    const int y = plot->y + plot->rows;
    char left[32], right[32];
    draw_y_labels(plot);
    for (int column = 0; column < plot->columns; column++)
        canvas_put(plot->canvas, plot->x + column, y, canvas_glyph(plot->canvas, GLYPH_RULE), SLOT_RULE);
    for (size_t i = 0; i < scope->marks; i++) {
        const int column = scope->mark[i].step < scope->first || scope->mark[i].step > scope->last
                               ? -1
                               : column_of(plot, scope->mark[i].step, scope->mark[i].wall);
        if (column >= 0)
            canvas_put(plot->canvas, plot->x + column, y, canvas_glyph(plot->canvas, GLYPH_MARK), scope->mark[i].slot);
    }
    draw_cursor(plot);
    axis_label(scope, left, scope->first, scope->wall_first);
    axis_label(scope, right, scope->last, scope->wall_last);
    const int begin = (int)strlen(left), end = (int)strlen(right);
    if (end > plot->columns) return;
    canvas_text(plot->canvas, plot->x + plot->columns - end, y, end, SLOT_DIM, "%s", right);
    if (begin + end < plot->columns) canvas_text(plot->canvas, plot->x, y, begin, SLOT_DIM, "%s", left);
}

/* The point a title speaks of: the newest that is shown, or the one at or before the crosshair; NULL: none. */
static const struct wire_point *point_of(const struct scope *scope, const struct series *series, size_t *index)
{
    const int64_t step = scope->has_cursor ? scope->cursor : scope->last;
    *index = series_find(series, step + 1);
    return *index > 0 ? &series->point[--*index] : NULL;
}

/* The value of a line, and what it differs from the first by where runs are compared. */
static void value_text(char text[40], const struct chart *chart, int i)
{
    size_t at, of_first;
    const struct chart_line *line = &chart->line[i], *first = &chart->line[0];
    const struct wire_point *point = line->series ? point_of(chart->scope, line->series, &at) : NULL,
                            *other = chart->compares && i > 0 && first->series
                                         ? point_of(chart->scope, first->series, &of_first)
                                         : NULL;
    text[0] = 0;
    if (point && other)
        snprintf(text, 40, "%.4g (%+.2g)", point->value, point->value - other->value);
    else if (point)
        snprintf(text, 40, "%.4g", point->value);
}

/* A title of which the end tells more than the beginning, where both have no room. */
static int draw_name(struct canvas *canvas, struct rect rect, const char *title, int room)
{
    const int length = (int)strlen(title), skip = length > room ? length - room + 1 : 0;
    int x = 0;
    if (skip) canvas_put(canvas, rect.x + x++, rect.y, canvas_glyph(canvas, GLYPH_ELLIPSIS), SLOT_TITLE);
    return x + canvas_text(canvas, rect.x + x, rect.y, room - x, SLOT_TITLE, "%s", title + skip);
}

/* "LOSS   train 0.1234   val 0.2345" */
static void draw_title(struct canvas *canvas, struct rect rect, const struct chart *chart)
{
    enum { VALUE = 12 };
    const int room = rect.width > 2 * VALUE ? rect.width - VALUE : rect.width;
    int x = rect.x + draw_name(canvas, rect, chart->title, room);
    const int end = rect.x + rect.width;
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        char value[40];
        if (!line->label) continue;
        x += 2;
        if (line->letter) x += 1 + canvas_text(canvas, x, rect.y, end - x, line->slot, "%c", line->letter);
        x += canvas_text(canvas, x, rect.y, end - x, line->slot, "%s", line->label);
        value_text(value, chart, i);
        if (!value[0]) continue;
        canvas_text(canvas, x + 1, rect.y, end - x - 1, SLOT_VALUE, "%s", value);
        x += chart->compares && i > 0 ? 18 : 10; /* whatever the digits: nothing behind it moves */
    }
}

void chart_draw(struct canvas *canvas, struct rect rect, const struct chart *chart)
{
    if (rect.height < 1) return;
    draw_title(canvas, rect, chart);
    static struct plot plot; /* the screen's thread only; too large for a stack */
    plot = (struct plot){.canvas = canvas, .scope = chart->scope, .x = rect.x + GUTTER, .y = rect.y + 1};
    plot.by_time = chart->scope->lens->axis == LENS_RELATIVE || chart->scope->lens->axis == LENS_WALL;
    plot.columns = rect.width - GUTTER < COLUMNS_MAX ? rect.width - GUTTER : COLUMNS_MAX;
    plot.rows = rect.height - 2 < ROWS_MAX ? rect.height - 2 : ROWS_MAX;
    if (plot.columns < 4 || plot.rows < 1) return;
    canvas_spot(canvas, (struct spot){.rect = {plot.x, plot.y, plot.columns, plot.rows + 1}, .kind = SPOT_PLOT});
    if (!find_range(&plot, chart)) {
        canvas_text(canvas, plot.x, plot.y, plot.columns, SLOT_DIM, "no values yet");
        return;
    }
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        if (!line->series || line->series->count == 0) continue;
        if (is_smooth(&plot, line)) draw_band(&plot, line, 1);
        draw_line(&plot, line, 2 + i);
        if (!is_smooth(&plot, line)) draw_band(&plot, line, 2 + i); /* a spike within a column */
    }
    if (chart->level > 0) draw_level(&plot, chart->level);
    write_cells(&plot);
    draw_axes(&plot);
    for (int i = 0; i < CHART_LINES; i++)
        if (chart->line[i].series && chart->line[i].series->count) {
            draw_marks(&plot, &chart->line[i]);
            draw_letter(&plot, &chart->line[i], letter_of(canvas, chart, &chart->line[i]));
        }
}
