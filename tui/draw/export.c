#include "tui/draw/export.h"

#include "data/base/path.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 960,
    HEIGHT = 540,
    LEFT = 80,
    RIGHT = 20,
    TOP = 40,
    BOTTOM = 50,
    COLUMNS = WIDTH - LEFT - RIGHT,
    TICKS = 5
};

static const char *const colors[CHART_LINES] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                                "#d55e00", "#56b4e9", "#999999", "#000000"};

/* The points of a line that are shown. */
static void range_of(const struct chart *chart, const struct series *series, size_t *first, size_t *last)
{
    *first = series_find(series, chart->scope->first);
    *last = series_find(series, chart->scope->last + 1);
}

static const char *label_of(const struct chart_line *line, const struct chart *chart)
{
    return line->label && line->label[0] ? line->label : chart->title;
}

/* A field of CSV: in quotes, quotes doubled. */
static void add_field(struct text *out, const char *words)
{
    text_add(out, "\"");
    for (; *words; words++) text_add(out, *words == '"' ? "\"\"" : "%c", *words);
    text_add(out, "\"");
}

void export_csv(struct text *out, const struct chart *chart)
{
    text_add(out, "series,step,wall,value\n");
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        size_t first, last;
        if (!line->series || line->series->count == 0) continue;
        range_of(chart, line->series, &first, &last);
        for (size_t k = first; k < last; k++) {
            const struct wire_point *point = &line->series->point[k];
            add_field(out, label_of(line, chart));
            text_add(out, ",%" PRId64 ",%.3f,%.17g\n", point->step, point->wall, point->value);
        }
    }
}

/* ---- SVG ---- */

struct plane {
    const struct chart *chart;
    bool by_log;
    double low, high;
};

static double place(const struct plane *plane, double value)
{
    return plane->by_log ? value > 0 ? log10(value) : NAN : value;
}

static double y_of(const struct plane *plane, double value)
{
    const double share = (place(plane, value) - plane->low) / (plane->high - plane->low);
    return TOP + (1 - fmin(fmax(share, 0), 1)) * (HEIGHT - TOP - BOTTOM);
}

static double x_of(const struct plane *plane, int64_t step)
{
    const struct scope *scope = plane->chart->scope;
    return LEFT + (double)(step - scope->first) /
                      (double)(scope->last > scope->first ? scope->last - scope->first : 1) * COLUMNS;
}

static void find_range(struct plane *plane)
{
    plane->low = INFINITY;
    plane->high = -INFINITY;
    for (int i = 0; i < CHART_LINES; i++) {
        const struct series *series = plane->chart->line[i].series;
        size_t first, last;
        if (!series || series->count == 0) continue;
        range_of(plane->chart, series, &first, &last);
        const struct series_bucket all = series_range(series, first, last);
        if (all.low > all.high) continue;
        const double high = place(plane, (double)all.high), low = place(plane, (double)all.low);
        if (isfinite(high)) plane->high = fmax(plane->high, high);
        if (isfinite(low) || isfinite(high)) plane->low = fmin(plane->low, isfinite(low) ? low : high - 6);
    }
    if (!(plane->high >= plane->low)) plane->low = 0, plane->high = 1;
    if (!(plane->high > plane->low)) plane->low -= 0.5, plane->high += 0.5;
}

/* Text of XML. */
static void add_words(struct text *out, const char *words)
{
    for (; *words; words++) {
        const unsigned char c = (unsigned char)*words;
        if (c == '<' || c == '>' || c == '&')
            text_add(out, "&#%d;", c);
        else
            text_add(out, "%c", c < 32 ? '?' : c);
    }
}

static void add_axes(struct text *out, const struct plane *plane)
{
    const struct scope *scope = plane->chart->scope;
    for (int i = 0; i <= TICKS; i++) {
        const double at = plane->low + (plane->high - plane->low) * i / TICKS, value = plane->by_log ? pow(10, at) : at,
                     y = y_of(plane, value);
        const int64_t step = scope->first + (scope->last - scope->first) * i / TICKS;
        text_add(out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#ddd'/>\n", LEFT, WIDTH - RIGHT, y, y);
        text_add(out, "<text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n", LEFT - 8, y + 4, value);
        text_add(out, "<text x='%.1f' y='%d' text-anchor='middle'>%" PRId64 "</text>\n", x_of(plane, step),
                 HEIGHT - BOTTOM + 20, step);
    }
    text_add(out, "<text x='%d' y='%d' text-anchor='middle'>step</text>\n", LEFT + COLUMNS / 2, HEIGHT - 10);
}

/* A polygon from the greatest to the least value of each column of pixels, so that no extreme is lost. */
static void add_band(struct text *out, const struct plane *plane, int i, double opacity)
{
    const struct series *series = plane->chart->line[i].series;
    const struct scope *scope = plane->chart->scope;
    const double width = (double)(scope->last - scope->first + 1) / COLUMNS;
    text_add(out, "<path fill='none' stroke='%s' stroke-opacity='%.2f' d='", colors[i], opacity);
    for (int x = 0; x < COLUMNS; x++) {
        const size_t first = series_find(series, scope->first + (int64_t)ceil(x * width)),
                     last = series_find(series, scope->first + (int64_t)ceil((x + 1) * width));
        const struct series_bucket bucket = series_range(series, first, last);
        if (bucket.low <= bucket.high)
            text_add(out, "M%d %.1fV%.1f", LEFT + x, y_of(plane, (double)bucket.high) - 0.5,
                     y_of(plane, (double)bucket.low) + 0.5);
        if (bucket.has_nonfinite) text_add(out, "M%d %dv-8", LEFT + x, HEIGHT - BOTTOM);
    }
    text_add(out, "'/>\n");
}

/* At most two points for each column of pixels. */
static void add_line(struct text *out, const struct plane *plane, int i, bool smooth)
{
    const struct series *series = plane->chart->line[i].series;
    size_t first, last;
    range_of(plane->chart, series, &first, &last);
    const size_t every = (last - first) / (2 * COLUMNS) + 1;
    bool down = false;
    text_add(out, "<path fill='none' stroke='%s' stroke-width='1.8' d='", colors[i]);
    for (size_t k = first; k < last; k += every) {
        const double value = smooth ? (double)series->smooth[k] : series->point[k].value;
        if (!isfinite(place(plane, value))) {
            down = false;
            continue;
        }
        text_add(out, "%c%.1f %.1f", down ? 'L' : 'M', x_of(plane, series->point[k].step), y_of(plane, value));
        down = true;
    }
    text_add(out, "'/>\n");
}

void export_svg(struct text *out, const struct chart *chart)
{
    struct plane plane = {.chart = chart, .by_log = chart->scope->lens->log_y};
    int shown = 0;
    find_range(&plane);
    text_add(out,
             "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='13'>\n"
             "<rect width='100%%' height='100%%' fill='white'/>\n<text x='%d' y='24' font-size='16'>",
             WIDTH, HEIGHT, LEFT);
    add_words(out, chart->title);
    text_add(out, "</text>\n");
    add_axes(out, &plane);
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        if (!line->series || line->series->count == 0) continue;
        const bool smooth = line->band != line->slot && !chart->scope->lens->raw;
        add_band(out, &plane, i, smooth ? 0.25 : 1);
        add_line(out, &plane, i, smooth);
        text_add(out, "<text x='%d' y='24' fill='%s'>", LEFT + 240 + 160 * shown++, colors[i]);
        add_words(out, label_of(line, chart));
        text_add(out, "</text>\n");
    }
    text_add(out, "</svg>\n");
}

/* ---- files ---- */

static enum lt_err write_one(const char *stem, const char *ending, const struct text *text)
{
    struct text path = {0};
    text_add(&path, "%s.%s", stem, ending);
    const enum lt_err err = path_write_atomic(text_get(&path), text->bytes, text->length);
    text_release(&path);
    return err;
}

enum lt_err export_files(char **where, const struct chart *chart, const char *folder, const char *name)
{
    char *charts = path_join(folder, "charts"), *stem = path_join(charts, name);
    struct text csv = {0}, svg = {0};
    for (char *c = stem + strlen(charts) + 1; *c; c++)
        if (*c == '/') *c = '-';
    export_csv(&csv, chart);
    export_svg(&svg, chart);
    enum lt_err err = path_make_folder(charts);
    if (err == LT_OK) err = write_one(stem, "csv", &csv);
    if (err == LT_OK) err = write_one(stem, "svg", &svg);
    free(charts);
    text_release(&csv), text_release(&svg);
    if (err == LT_OK)
        *where = stem;
    else
        free(stem);
    return err;
}
