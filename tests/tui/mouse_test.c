/* What the mouse does, without a terminal. */
#include "tests/tui/sample.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void mouse(struct app *app, enum term_mouse_kind kind, int x, int y)
{
    static int64_t now_ns;
    struct canvas *canvas = (struct canvas *)app->shown;
    app_mouse(app, (struct term_mouse){.x = x, .y = y, .kind = kind, .button = kind == TERM_MOUSE_PRESS}, now_ns);
    now_ns += 100000000;
    app_draw(app, canvas);
}

/* The first cell of a kind of spot. */
static struct rect find_spot(const struct app *app, enum spot_kind kind, int value)
{
    for (size_t i = 0; i < app->shown->spots; i++)
        if (app->shown->spot[i].kind == kind && app->shown->spot[i].value == value) return app->shown->spot[i].rect;
    fail_msg("no spot %d %d", (int)kind, value);
    return (struct rect){0};
}

static void look_at(struct app *app, struct canvas *canvas, int view)
{
    sample_fill(app);
    app->view = view;
    canvas_resize(canvas, 120, 40);
    app_draw(app, canvas);
}

/* In a chart a press puts the crosshair, a drag shows its range, the wheel zooms where it is. */
static void the_mouse_on_charts(void **state)
{
    (void)state;
    struct app app = {0};
    struct canvas canvas = {0};
    look_at(&app, &canvas, VIEW_train);
    const struct rect plot = find_spot(&app, SPOT_PLOT, 0);
    const int y = plot.y + 1, middle = plot.x + plot.width / 2;
    mouse(&app, TERM_MOUSE_PRESS, middle, y);
    mouse(&app, TERM_MOUSE_RELEASE, middle, y);
    assert_true(app.lens.has_cursor && !app.lens.zoomed && !app.lens.selecting);
    assert_true(app.lens.cursor > 300 && app.lens.cursor < 420);
    mouse(&app, TERM_MOUSE_PRESS, middle, y);
    mouse(&app, TERM_MOUSE_DRAG, middle + 10, y);
    assert_true(app.lens.selecting && app.lens.anchor < app.lens.cursor);
    mouse(&app, TERM_MOUSE_RELEASE, middle + 10, y);
    assert_true(app.lens.zoomed && !app.lens.selecting && !app.lens.has_cursor);
    assert_true(app.lens.first == app.lens.anchor && app.lens.last == app.lens.cursor);
    app_key(&app, '0', 0);
    app_draw(&app, &canvas);
    mouse(&app, TERM_MOUSE_WHEEL_UP, plot.x, y); /* the left end stays */
    assert_true(app.lens.zoomed && app.lens.first < 10);
    mouse(&app, TERM_MOUSE_WHEEL_DOWN, plot.x, y);
    assert_false(app.lens.zoomed);
    mouse(&app, TERM_MOUSE_DRAG, middle, y); /* of a press elsewhere */
    assert_false(app.lens.selecting);
    for (int axis = 0; axis < LENS_AXES; axis++) {
        mouse(&app, TERM_MOUSE_PRESS, plot.x + plot.width - 1, y);
        assert_true(app.lens.cursor > 600);
        app_key(&app, 'x', 0);
        app_draw(&app, &canvas);
    }
    canvas_release(&canvas);
    app_release(&app);
}

/* Tabs, rows and the keys below can be clicked; twice is Enter; a menu covers what lies below it. */
static void the_mouse_elsewhere(void **state)
{
    (void)state;
    struct app app = {0};
    struct canvas canvas = {0};
    look_at(&app, &canvas, VIEW_train);
    struct rect at = find_spot(&app, SPOT_VIEW, VIEW_log);
    mouse(&app, TERM_MOUSE_PRESS, at.x, at.y);
    assert_int_equal(app.view, VIEW_log);
    at = find_spot(&app, SPOT_ROW, 1);
    mouse(&app, TERM_MOUSE_PRESS, at.x + 3, at.y);
    assert_int_equal(app.view, VIEW_log);
    mouse(&app, TERM_MOUSE_PRESS, at.x + 3, at.y); /* Enter: charts at the step of the event */
    assert_true(app.view == VIEW_charts && app.lens.has_cursor && app.lens.cursor == 500);
    at = find_spot(&app, SPOT_KEY, 'q');
    mouse(&app, TERM_MOUSE_PRESS, at.x, at.y);
    assert_int_equal(app.overlay, OVERLAY_QUIT);
    mouse(&app, TERM_MOUSE_PRESS, 1, 1);
    assert_true(app.view == VIEW_charts && app.overlay == OVERLAY_QUIT);
    at = find_spot(&app, SPOT_KEY, 'd');
    mouse(&app, TERM_MOUSE_PRESS, at.x, at.y);
    assert_true(app.leave);
    canvas_release(&canvas);
    app_release(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_mouse_on_charts), cmocka_unit_test(the_mouse_elsewhere)};
    return cmocka_run_group_tests(tests, sample_enter, sample_leave);
}
