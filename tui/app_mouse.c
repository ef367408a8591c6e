/* The mouse: what a press, a drag and the wheel mean where they happen (the spots of the canvas drawn last). */
#include "tui/draw/list.h"
#include "tui/menu.h"
#include "tui/views/view.h"

enum { TWICE_MS = 400 };

static const struct spot *spot_at(const struct app *app, struct term_mouse mouse, enum spot_kind kind)
{
    return app->shown ? canvas_spot_at(app->shown, mouse.x, mouse.y, kind) : NULL;
}

/* The step below the pointer, within the run. */
static int64_t step_below(const struct app *app, struct rect plot, int x)
{
    int64_t begin, end;
    const double share = (x - plot.x + 0.5) / plot.width;
    const int64_t step = view_step_at(app, share < 0 ? 0 : share > 1 ? 1 : share);
    view_steps(app, &begin, &end);
    return step < begin ? begin : step > end ? end : step;
}

static void put_crosshair(struct app *app, struct rect plot, int x)
{
    app->lens.has_cursor = true;
    app->lens.cursor = step_below(app, plot, x);
}

/* ---- press, drag, release ---- */

static void press_plot(struct app *app, struct term_mouse mouse)
{
    const struct spot *plot = view_at(app->view)->has_charts ? spot_at(app, mouse, SPOT_PLOT) : NULL;
    if (!plot) return;
    app->pointer.plot = plot->rect;
    app->pointer.on_plot = true;
    put_crosshair(app, plot->rect, mouse.x);
    app->lens.anchor = app->lens.cursor;
}

static void sort(struct sorting *sorting, int column)
{
    if (sorting->column == column)
        sorting->inverted = !sorting->inverted;
    else
        *sorting = (struct sorting){.column = column};
}

static void press(struct app *app, struct term_mouse mouse, int64_t now_ns)
{
    struct pointer *pointer = &app->pointer;
    const struct spot *row = spot_at(app, mouse, SPOT_ROW), *column = spot_at(app, mouse, SPOT_COLUMN),
                      *view = spot_at(app, mouse, SPOT_VIEW), *key = spot_at(app, mouse, SPOT_KEY);
    const bool twice = mouse.x == pointer->x && mouse.y == pointer->y && pointer->pressed_ns &&
                       now_ns - pointer->pressed_ns < TWICE_MS * (int64_t)1000000;
    *pointer = (struct pointer){.pressed_ns = twice ? 0 : now_ns, .x = mouse.x, .y = mouse.y};
    if (row) list_choose(row->list, row->value);
    if (column) sort(column->sorting, column->value);
    press_plot(app, mouse);
    if (view) app->view = view->value;
    if (key)
        app_key(app, key->value, now_ns);
    else if (row && twice)
        app_key(app, '\n', now_ns);
}

static void drag(struct app *app, struct term_mouse mouse)
{
    if (!app->pointer.on_plot) return;
    put_crosshair(app, app->pointer.plot, mouse.x);
    app->lens.selecting = app->lens.cursor != app->lens.anchor;
}

/* A range of some columns is shown; less was a hand that trembled. */
static void release(struct app *app, struct term_mouse mouse)
{
    enum { LEAST_COLUMNS = 2 };
    int64_t begin, end;
    const int moved = mouse.x - app->pointer.x;
    if (app->lens.selecting && (moved >= LEAST_COLUMNS || moved <= -LEAST_COLUMNS)) {
        view_steps(app, &begin, &end);
        lens_show(&app->lens, begin, end, app->lens.anchor, app->lens.cursor);
        app->lens.has_cursor = false;
    }
    app->lens.selecting = app->pointer.on_plot = false;
}

/* ---- the wheel ---- */

static void turn_wheel(struct app *app, struct term_mouse mouse, int64_t now_ns)
{
    const bool up = mouse.kind == TERM_MOUSE_WHEEL_UP;
    const struct spot *plot = view_at(app->view)->has_charts ? spot_at(app, mouse, SPOT_PLOT) : NULL;
    int64_t begin, end;
    if (!plot) {
        app_key(app, up ? TERM_UP : TERM_DOWN, now_ns);
        return;
    }
    view_steps(app, &begin, &end);
    if (mouse.control || mouse.alt)
        lens_pan(&app->lens, begin, end, up ? -0.125 : 0.125);
    else
        lens_zoom_at(&app->lens, begin, end, up ? 0.5 : 2, step_below(app, plot->rect, mouse.x));
}

void app_mouse(struct app *app, struct term_mouse mouse, int64_t now_ns)
{
    app->feed.version++;
    switch (mouse.kind) {
    case TERM_MOUSE_PRESS:
        if (mouse.button == 1) press(app, mouse, now_ns);
        break;
    case TERM_MOUSE_DRAG: drag(app, mouse); break;
    case TERM_MOUSE_RELEASE: release(app, mouse); break;
    case TERM_MOUSE_WHEEL_UP:
    case TERM_MOUSE_WHEEL_DOWN: turn_wheel(app, mouse, now_ns); break;
    }
}
