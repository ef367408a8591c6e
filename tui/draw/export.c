#include "tui/draw/export.h"

#include "data/base/path.h"
#include "tui/draw/sheet.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 960, HEIGHT = 540, LEFT = 80, RIGHT = 20, TOP = 40, BOTTOM = 50 };

static const char *const colors[CHART_LINES] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                                "#d55e00", "#56b4e9", "#999999", "#000000"};

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
        if (!line->series || line->series->count == 0) continue;
        const char *label = line->label && line->label[0] ? line->label : chart->title;
        const size_t first = series_find(line->series, chart->scope->first),
                     last = series_find(line->series, chart->scope->last + 1);
        for (size_t k = first; k < last; k++) {
            const struct wire_point *point = &line->series->point[k];
            add_field(out, label);
            text_add(out, ",%" PRId64 ",%.3f,%.17g\n", point->step, point->wall, point->value);
        }
    }
}

/* ---- SVG ---- */

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

static void add_axes(struct text *out, const struct sheet *sheet)
{
    double value[SHEET_TICKS];
    int64_t step[SHEET_TICKS];
    for (int i = 0, count = sheet_values(sheet, value); i < count; i++) {
        const double y = sheet_y(sheet, value[i]);
        text_add(out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' stroke='#ddd'/>\n", LEFT, WIDTH - RIGHT, y, y);
        text_add(out, "<text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n", LEFT - 8, y + 4, value[i]);
    }
    for (int i = 0, count = sheet_steps(sheet, step); i < count; i++)
        text_add(out, "<text x='%.1f' y='%d' text-anchor='middle'>%" PRId64 "</text>\n", sheet_x(sheet, step[i]),
                 HEIGHT - BOTTOM + 20, step[i]);
    text_add(out, "<text x='%d' y='%d' text-anchor='middle'>step</text>\n", LEFT + sheet->width / 2, HEIGHT - 10);
}

/* From the greatest to the least value of each column of pixels, so that no extreme is lost. */
static void add_band(struct text *out, const struct sheet *sheet, int i, double opacity)
{
    text_add(out, "<path fill='none' stroke='%s' stroke-opacity='%.2f' d='", colors[i], opacity);
    for (int x = 0; x < sheet->width; x++) {
        const struct series_bucket bucket = sheet_column(sheet, sheet->chart->line[i].series, x);
        const double high = sheet_y(sheet, (double)bucket.high), low = sheet_y(sheet, (double)bucket.low);
        if (bucket.low <= bucket.high && !isnan(high))
            text_add(out, "M%d %.1fV%.1f", LEFT + x, high - 0.5, (isnan(low) ? HEIGHT - BOTTOM : low) + 0.5);
        if (bucket.has_nonfinite) text_add(out, "M%d %dv-8", LEFT + x, HEIGHT - BOTTOM);
    }
    text_add(out, "'/>\n");
}

static void add_line(struct text *out, const struct sheet *sheet, int i)
{
    const struct chart_line *line = &sheet->chart->line[i];
    double x, y;
    bool down = false;
    text_add(out, "<path fill='none' stroke='%s' stroke-width='1.8' d='", colors[i]);
    for (size_t at = 0; sheet_next(sheet, line->series, sheet_is_smooth(sheet, line), &at, &x, &y);) {
        if (!isnan(y)) text_add(out, "%c%.1f %.1f", down ? 'L' : 'M', x, y);
        down = !isnan(y);
    }
    text_add(out, "'/>\n");
}

void export_svg(struct text *out, const struct chart *chart)
{
    struct sheet sheet = {.chart = chart,
                          .left = LEFT,
                          .top = TOP,
                          .width = WIDTH - LEFT - RIGHT,
                          .height = HEIGHT - TOP - BOTTOM,
                          .by_log = chart->scope->lens->log_y};
    int shown = 0;
    sheet_settle(&sheet);
    text_add(out,
             "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='13'>\n"
             "<rect width='100%%' height='100%%' fill='white'/>\n<text x='%d' y='24' font-size='16'>",
             WIDTH, HEIGHT, LEFT);
    add_words(out, chart->title);
    text_add(out, "</text>\n");
    add_axes(out, &sheet);
    for (int i = 0; i < CHART_LINES; i++) {
        const struct chart_line *line = &chart->line[i];
        if (!line->series || line->series->count == 0) continue;
        add_band(out, &sheet, i, sheet_is_smooth(&sheet, line) ? 0.25 : 1);
        add_line(out, &sheet, i);
        text_add(out, "<text x='%d' y='24' fill='%s'>", LEFT + 240 + 160 * shown++, colors[i]);
        add_words(out, sheet_label(&sheet, line));
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
    struct text csv = {0}, svg = {0}, png = {0};
    for (char *c = stem + strlen(charts) + 1; *c; c++)
        if (*c == '/') *c = '-';
    export_csv(&csv, chart);
    export_svg(&svg, chart);
    enum lt_err err = export_png(&png, chart);
    if (err == LT_OK) err = path_make_folder(charts);
    if (err == LT_OK) err = write_one(stem, "csv", &csv);
    if (err == LT_OK) err = write_one(stem, "svg", &svg);
    if (err == LT_OK) err = write_one(stem, "png", &png);
    free(charts);
    text_release(&csv), text_release(&svg), text_release(&png);
    if (err == LT_OK)
        *where = stem;
    else
        free(stem);
    return err;
}
