/* Layout at every size from 20x5 to 300x100: nothing is written outside of the rectangle it was given, nothing over
 * something else, no wide character is cut in half; menus are whole boxes. The calls that draw are watched on their way
 * (the linker's --wrap). */
#include "tests/tui/sample.h"

#include "tui/layout.h"
#include "tui/menu.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

enum { WIDTH_MOST = 300, HEIGHT_MOST = 100, MARGIN = 3, UNTOUCHED = 0xE000 /* of the private use area */ };

/* ---- complaints: the first about each screen ---- */

static int complaints;
static const char *what; /* is drawn */

static void complain(const char *format, ...) LT_PRINTF(1, 2);
static void complain(const char *format, ...)
{
    static const char *blamed[64];
    static int count;
    char text[512];
    va_list args;
    if (complaints++ == 0) count = 0;
    for (int i = 0; i < count; i++)
        if (blamed[i] == what) return;
    if (count < 64) blamed[count++] = what;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "  %s %s\n", what, text);
}

static void settle(void)
{
    const int all = complaints;
    complaints = 0;
    if (all) fail_msg("%d complaints", all);
}

/* ---- a canvas that shows where was drawn ---- */

static struct canvas canvas;

static void prepare(int width, int height)
{
    if (canvas.width != width || canvas.height != height) canvas_resize(&canvas, width, height);
    for (int i = 0; i < width * height; i++) canvas.cell[i] = (struct cell){.code = UNTOUCHED};
}

static bool is_inside(struct rect rect, int x, int y)
{
    return x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}

static void check_untouched_outside(struct rect rect)
{
    for (int y = 0; y < canvas.height; y++)
        for (int x = 0; x < canvas.width; x++)
            if (!is_inside(rect, x, y) && canvas.cell[y * canvas.width + x].code != UNTOUCHED)
                complain("in %dx%d drew outside, at (%d, %d)", rect.width, rect.height, x - rect.x, y - rect.y);
}

static void check_wide_characters(void)
{
    for (int i = 0; i < canvas.width * canvas.height; i++) {
        const int x = i % canvas.width;
        const bool is_wide = canvas.cell[i].code && utf8proc_charwidth((utf8proc_int32_t)canvas.cell[i].code) == 2;
        const bool has_rest = x + 1 < canvas.width && canvas.cell[i + 1].code == 0;
        if (is_wide != has_rest)
            complain("on %dx%d cut a wide character at (%d, %d)", canvas.width, canvas.height, x, i / canvas.width);
    }
}

/* ---- watching ---- */

enum { CHARTS_MOST = 64 };

static struct {
    bool on;
    uint8_t written[HEIGHT_MOST + 2 * MARGIN][WIDTH_MOST + 2 * MARGIN]; /* cells that hold text of this frame */
    struct rect chart[CHARTS_MOST];
    int charts;
} watch;

static void start_watching(void)
{
    memset(&watch, 0, sizeof watch);
    watch.on = true;
}

static void take_cells(int x, int y, int columns, const char *text)
{
    if (!watch.on || columns == 0) return;
    if (x < 0 || y < 0 || x + columns > canvas.width || y >= canvas.height) {
        complain("on %dx%d wrote '%s' outside, at (%d, %d)", canvas.width, canvas.height, text, x, y);
        return;
    }
    for (int i = 0; i < columns; i++) {
        if (watch.written[y][x + i])
            complain("on %dx%d wrote '%s' over other text, at (%d, %d)", canvas.width, canvas.height, text, x + i, y);
        watch.written[y][x + i] = 1;
    }
}

int __real_canvas_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *format, ...)
    LT_PRINTF(6, 7);
int __wrap_canvas_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *format, ...)
    LT_PRINTF(6, 7);
int __wrap_canvas_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const int used = __real_canvas_text(self, x, y, room, slot, "%s", text);
    const size_t blank = strspn(text, " "); /* blanks before a number may lie over the end of something */
    const int skip = (int)blank < used ? (int)blank : used;
    take_cells(x + skip, y, used - skip, text);
    return used;
}

void __real_canvas_put(struct canvas *self, int x, int y, uint32_t code, enum theme_slot slot);
void __wrap_canvas_put(struct canvas *self, int x, int y, uint32_t code, enum theme_slot slot);
void __wrap_canvas_put(struct canvas *self, int x, int y, uint32_t code, enum theme_slot slot)
{
    __real_canvas_put(self, x, y, code, slot);
    const bool is_mark = code == '!' && slot == SLOT_BAD; /* of NaN: may lie over the numbers of an axis */
    if (!watch.on || is_mark) return;
    if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height)
        complain("on %dx%d put a character outside, at (%d, %d)", canvas.width, canvas.height, x, y);
    else if (watch.written[y][x])
        complain("on %dx%d put a character over text, at (%d, %d)", canvas.width, canvas.height, x, y);
}

static bool overlap(struct rect a, struct rect b)
{
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

void __real_chart_draw(struct canvas *self, struct rect rect, const struct chart *chart);
void __wrap_chart_draw(struct canvas *self, struct rect rect, const struct chart *chart);
void __wrap_chart_draw(struct canvas *self, struct rect rect, const struct chart *chart)
{
    static struct cell before[(WIDTH_MOST + 2 * MARGIN) * (HEIGHT_MOST + 2 * MARGIN)];
    const int cells = self->width * self->height;
    memcpy(before, self->cell, (size_t)cells * sizeof *before);
    __real_chart_draw(self, rect, chart);
    if (!watch.on) return;
    for (int i = 0; i < cells; i++)
        if (!is_inside(rect, i % self->width, i / self->width) &&
            memcmp(&before[i], &self->cell[i], sizeof *before) != 0)
            complain("on %dx%d the chart %s drew outside", self->width, self->height, chart->title);
    for (int i = 0; i < watch.charts; i++)
        if (overlap(rect, watch.chart[i]))
            complain("on %dx%d the chart %s overlaps another", self->width, self->height, chart->title);
    assert_true(watch.charts < CHARTS_MOST);
    watch.chart[watch.charts++] = rect;
}

/* ---- what is drawn ---- */

/* Long and wide names, of everything that has one. */
static void add_wide_names(struct app *app)
{
    struct text frames = {0};
    const struct wire_point point[2] = {{600, 1e9 + 60, 1.5}, {700, 1e9 + 70, 123456.789}};
    for (int i = 0; i < 12; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s/層の名前・とても長い名前の層%d", i % 2 ? "grad_norm" : "val", i);
        wire_put_json(&frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", 100 + i, "name", name));
        wire_put_points(&frames, (uint32_t)(100 + i), point, 2);
    }
    static const char *const kinds[] = {"nan", "bad_file", "名前の長い種類の出来事", "grad_warning"};
    for (int i = 0; i < 4; i++)
        wire_put_json(&frames, WIRE_EVENT,
                      json_pack("{s:i, s:f, s:s, s:s, s:s}", "step", 690 + i, "wall", 1e9, "kind", kinds[i], "level",
                                "warning", "text",
                                "学習率が高すぎます。学習率を下げてください。フォルダー/写真０１.jpg"));
    sample_put(app, &frames);
}

static const struct scene_case {
    const char *name, *keys;
    enum { FULL, EMPTY, ENDED, COMPARED } run;
} cases[] = {
    {"train", "1", ENDED},
    {"train, crosshair", "1hhhhhhh+", FULL},
    {"train, log y", "1yx", FULL},
    {"train, clock", "1xxxZ", FULL},
    {"charts", "2", FULL},
    {"charts, alone, crosshair", "2\nhhh", FULL},
    {"charts, filter", "2/gra", FULL},
    {"charts, compared", "2", COMPARED},
    {"gradients", "3", FULL},
    {"gradients, filter", "3>/層", FULL},
    {"profiler", "4", FULL},
    {"profiler, changes", "4d/back", FULL},
    {"profiler, memory", "4m", FULL},
    {"data, classes", "5", FULL},
    {"data, confusion", "5o", FULL},
    {"data, mistakes", "5oo", FULL},
    {"data, batch", "5ooo", FULL},
    {"data, unreadable", "5O", FULL},
    {"system", "6", FULL},
    {"log", "7", FULL},
    {"log, printed", "7o", FULL},
    {"run", "8", FULL},
    {"run, filter", "8/con", FULL},
    {"asked", "1cc", FULL},
    {"nothing yet", "1", EMPTY},
    {"no charts yet", "2", EMPTY},
};
enum { CASES = sizeof cases / sizeof *cases };

static struct app apps[CASES];

static void make(struct app *app, const struct scene_case *scene)
{
    prepare(120, 40);
    if (scene->run != EMPTY) {
        sample_fill(app);
        add_wide_names(app);
    }
    if (scene->run == COMPARED) {
        app->others = 2;
        app->other = calloc(2, sizeof *app->other);
        for (int i = 0; i < 2; i++) {
            struct app other = {0};
            sample_fill(&other);
            app->other[i] = other.feed;
        }
    }
    for (int i = 0; i < 3; i++) app_tick(app); /* samples of the machine */
    for (const char *key = scene->keys; *key; key++) {
        app_draw(app, &canvas);
        app_key(app, *key, 0);
    }
    app->feed.ended = scene->run == ENDED;
}

static int make_all(void **state)
{
    setenv("TZ", "UTC", 1);
    if (sample_enter(state) != 0) return -1;
    for (int i = 0; i < CASES; i++) make(&apps[i], &cases[i]);
    return 0;
}

static int release_all(void **state)
{
    for (int i = 0; i < CASES; i++) app_release(&apps[i]);
    canvas_release(&canvas);
    return sample_leave(state);
}

/* Every width at some heights, every height at some widths. */
static void each_size(void (*run)(int width, int height))
{
    static const int heights[] = {6, 24, 5, 11, 16, 40}, widths[] = {20, 37, 80, 119};
    for (int width = 20; width <= WIDTH_MOST; width++)
        for (int i = 0; i < (width <= 120 ? 6 : 2); i++) run(width, heights[i]);
    for (int height = 5; height <= HEIGHT_MOST; height++)
        for (int i = 0; i < 4; i++) run(widths[i], height);
    run(WIDTH_MOST, HEIGHT_MOST);
}

/* ---- the tests ---- */

static void draw_screens(int width, int height)
{
    for (int i = 0; i < CASES; i++) {
        what = cases[i].name;
        prepare(width, height);
        start_watching();
        app_draw(&apps[i], &canvas);
        watch.on = false;
        check_wide_characters();
    }
}

static void screens_do_not_overlap(void **state)
{
    (void)state;
    each_size(draw_screens);
    settle();
}

static void draw_views(int width, int height)
{
    const struct rect rect = {MARGIN, MARGIN, width, height};
    for (int i = 0; i < CASES; i++) {
        if (cases[i].run == EMPTY) continue;
        what = cases[i].name;
        prepare(width + 2 * MARGIN, height + 2 * MARGIN);
        view_at(apps[i].view)->draw(&apps[i], view_state(&apps[i], apps[i].view), &canvas, rect);
        check_untouched_outside(rect);
    }
}

static void views_keep_to_their_rectangle(void **state)
{
    (void)state;
    each_size(draw_views);
    settle();
}

static void draw_panes(int width, int height)
{
    struct layout layout;
    const struct scene scene = view_scene(&apps[0]);
    layout_solve(&layout, (struct rect){MARGIN, MARGIN, width, height});
    layout.pane[PANE_header] = (struct rect){MARGIN, MARGIN, width, 1};
    for (int i = 0; i < PANES; i++) {
        if (layout.pane[i].width == 0 || layout.pane[i].height == 0) continue;
        what = pane_at(i)->name;
        prepare(width + 2 * MARGIN, height + 2 * MARGIN);
        pane_at(i)->draw(&canvas, layout.pane[i], &scene);
        check_untouched_outside(layout.pane[i]);
    }
}

static void panes_keep_to_their_rectangle(void **state)
{
    (void)state;
    each_size(draw_panes);
    settle();
}

/* A menu covers a rectangle, all of it, and nothing else. */
static void check_box(void)
{
    int left = canvas.width, right = -1, top = canvas.height, bottom = -1;
    for (int y = 0; y < canvas.height; y++)
        for (int x = 0; x < canvas.width; x++) {
            if (canvas.cell[y * canvas.width + x].code == UNTOUCHED) continue;
            left = x < left ? x : left, right = x > right ? x : right;
            top = y < top ? y : top, bottom = y > bottom ? y : bottom;
        }
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++)
            if (canvas.cell[y * canvas.width + x].code == UNTOUCHED)
                complain("on %dx%d leaves a hole at (%d, %d)", canvas.width, canvas.height, x, y);
    const int beside = canvas.width - 1 - right - left;
    if (right < 0 || beside < 0 || beside > 1) complain("on %dx%d is not centred", canvas.width, canvas.height);
}

static void draw_menus(int width, int height)
{
    static const char *const names[] = {[OVERLAY_HELP] = "help",
                                        [OVERLAY_QUIT] = "quit",
                                        [OVERLAY_GONE] = "gone",
                                        [OVERLAY_RATE] = "rate",
                                        [OVERLAY_SETTINGS] = "settings"};
    struct app *app = &apps[1];
    for (int i = OVERLAY_HELP; i <= OVERLAY_SETTINGS; i++) {
        what = names[i];
        prepare(width, height);
        app->overlay = (enum overlay)i;
        app->help_top = 3;
        start_watching();
        menu_draw(app, &canvas);
        watch.on = false;
        check_box();
    }
    app->overlay = OVERLAY_NONE;
}

static void menus_are_whole_boxes(void **state)
{
    (void)state;
    each_size(draw_menus);
    settle();
}

static bool shows(const struct canvas *drawn, const char *text)
{
    struct text all = {0};
    sample_print(&all, drawn);
    const bool found = strstr(text_get(&all), text);
    text_release(&all);
    return found;
}

/* The smallest screen says what matters. */
static void six_rows_show_bar_loss_and_state(void **state)
{
    (void)state;
    struct app app = {0};
    prepare(20, 6);
    sample_fill(&app);
    app_draw(&app, &canvas);
    bool has_bar = false;
    for (int i = 0; i < 20 * 6; i++) has_bar = has_bar || canvas.cell[i].slot == SLOT_BAR;
    if (!has_bar || !shows(&canvas, "running") || !shows(&canvas, "loss") || !shows(&canvas, "0.0")) {
        struct text all = {0};
        sample_print(&all, &canvas);
        fail_msg("bar, loss or state are missing:\n%s", text_get(&all));
    }
    app_release(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_do_not_overlap), cmocka_unit_test(views_keep_to_their_rectangle),
        cmocka_unit_test(panes_keep_to_their_rectangle), cmocka_unit_test(menus_are_whole_boxes),
        cmocka_unit_test(six_rows_show_bar_loss_and_state)};
    return cmocka_run_group_tests(tests, make_all, release_all);
}
