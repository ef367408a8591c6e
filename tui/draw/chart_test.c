/* What a chart may not lose: a spike of one step lights a dot in the row of its value, NaN and infinity stand on the
 * axis, at every place within a dot's steps, however many those are. Rows are told from the labels beside them. */
#include "tui/draw/chart.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEFT = 3, TOP = 2, GUTTER = 8, HEIGHT = 14, AXIS = TOP + HEIGHT - 1, ROWS = HEIGHT - 2, HIGHEST = 1000 };

/* One picture: `plot` columns that show all steps from `first` on, `per_dot` to a dot. */
struct picture {
    int plot;
    int64_t first, per_dot, odd; /* odd: the step that differs from all others */
    double value;                /* its value */
    struct series series;
    struct canvas canvas;
    struct lens lens;
};

static int64_t last_of(const struct picture *self)
{
    return self->first + 2 * self->plot * self->per_dot - 1;
}

/* Time does not go evenly: now and then there is a pause. */
static double wall_of(int64_t step)
{
    return 1e9 + 0.1 * (double)step + 3 * (double)(step / 40);
}

/* Around 1, with HIGHEST at the last step that is shown. */
static void fill(struct picture *self)
{
    const int64_t count = last_of(self) + 20;
    struct wire_point *point = calloc((size_t)count, sizeof *point);
    for (int64_t i = 0; i < count; i++) {
        const double value = i == self->odd       ? self->value
                             : i == last_of(self) ? HIGHEST
                             : i < self->first    ? -5000 /* not shown */
                             : i > last_of(self)  ? 5000
                                                  : 1 + 0.1 * (double)(i % 7);
        point[i] = (struct wire_point){.step = i, .wall = wall_of(i), .value = value};
    }
    series_release(&self->series);
    series_add_many(&self->series, point, (size_t)count);
    free(point);
}

static void draw(struct picture *self)
{
    const struct scope scope = {.lens = &self->lens,
                                .first = self->first,
                                .last = last_of(self),
                                .wall_first = wall_of(self->first),
                                .wall_last = wall_of(last_of(self)),
                                .wall_begin = wall_of(0),
                                .steps_per_epoch = 10,
                                .has_cursor = true,
                                .cursor = self->odd,
                                .wall_cursor = wall_of(self->odd)};
    const struct chart chart = {
        .title = "chart",
        .line = {{.series = &self->series, .label = "train", .slot = SLOT_TRAIN, .band = SLOT_TRAIN_BAND}},
        .scope = &scope};
    canvas_clear(&self->canvas);
    chart_draw(&self->canvas, (struct rect){LEFT, TOP, GUTTER + self->plot, HEIGHT}, &chart);
}

static const struct cell *cell_at(const struct picture *self, int column, int y)
{
    return &self->canvas.cell[y * self->canvas.width + LEFT + GUTTER + column];
}

/* The dot a step lies at, of two to a column. */
static int dot_of(const struct picture *self, int64_t step)
{
    const bool by_time = self->lens.axis == LENS_RELATIVE || self->lens.axis == LENS_WALL;
    const double from = wall_of(self->first), to = wall_of(last_of(self)),
                 share = by_time ? (wall_of(step) - from) / (to - from)
                                 : (double)(step - self->first) / (double)(last_of(self) - self->first + 1);
    const int dot = (int)(share * 2 * self->plot);
    return dot < 2 * self->plot ? dot : 2 * self->plot - 1;
}

/* The number beside a row, by its text. */
static double label_at(const struct picture *self, int row)
{
    char text[GUTTER + 1] = "";
    for (int i = 0; i < GUTTER - 1; i++)
        text[i] = (char)self->canvas.cell[(TOP + 1 + row) * self->canvas.width + LEFT + i].code;
    return atof(text);
}

/* The row whose middle a value is nearest to, by the labels of the first row and the last. */
static double row_of(const struct picture *self, double value)
{
    double high = label_at(self, 0), low = label_at(self, ROWS - 1);
    if (self->lens.log_y) high = log10(high), low = log10(low), value = log10(value);
    assert_true(high > low);
    return (high - value) / (high - low) * (ROWS - 1);
}

static bool has_line(const struct picture *self, int column, int row)
{
    const struct cell *cell = cell_at(self, column, TOP + 1 + row);
    return (cell->slot == SLOT_TRAIN || cell->slot == SLOT_TRAIN_BAND) && cell->code != ' ';
}

static void fail_at(const struct picture *self, const char *why)
{
    fail_msg("%s: step %d of value %g, %d steps a dot from step %d, %d columns, axis %d%s%s", why, (int)self->odd,
             self->value, (int)self->per_dot, (int)self->first, self->plot, (int)self->lens.axis,
             self->lens.raw ? ", raw" : "", self->lens.log_y ? ", log" : "");
}

/* A dot of the row must be in the step's column; rounding may put the step into the dot beside. */
static void check_spike(const struct picture *self)
{
    const int dot = dot_of(self, self->odd);
    const double wanted = row_of(self, self->value);
    for (int near = dot - 1; near <= dot + 1; near++)
        for (int row = 0; near >= 0 && near < 2 * self->plot && row < ROWS; row++)
            if (fabs(row - wanted) <= 0.65 && has_line(self, near / 2, row)) return;
    fail_at(self, "no dot");
}

static void check_mark(const struct picture *self)
{
    const int dot = dot_of(self, self->odd);
    for (int near = dot - 1; near <= dot + 1; near++) {
        if (near < 0 || near >= 2 * self->plot) continue;
        const struct cell *cell = cell_at(self, near / 2, AXIS);
        if (cell->code == '!' && cell->slot == SLOT_BAD) return;
    }
    fail_at(self, "no mark");
}

/* ---- every place ---- */

static void check_all_axes(struct picture *self, void (*check)(const struct picture *self))
{
    fill(self);
    for (int axis = 0; axis < LENS_AXES; axis++)
        for (int raw = 0; raw < 2; raw++) {
            self->lens.axis = (enum lens_axis)axis;
            self->lens.raw = raw;
            draw(self);
            check(self);
        }
}

/* Moves the odd step through the steps of a dot, for 1, 2, 4 … steps a dot. */
static void everywhere(double value, int most, bool log_y, void (*check)(const struct picture *self))
{
    static const int plots[] = {23, 9, 64};
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++)
        for (int per_dot = 1; per_dot <= (i == 0 ? most : 16); per_dot *= 2)
            for (int64_t first = 0; first <= 5; first += 5) {
                struct picture self = {
                    .plot = plots[i], .first = first, .per_dot = per_dot, .value = value, .lens.log_y = log_y};
                canvas_resize(&self.canvas, LEFT + GUTTER + plots[i] + 2, TOP + HEIGHT + 2);
                for (int phase = 0; phase < per_dot; phase++) {
                    self.odd = first + plots[i] / 2 * per_dot + phase;
                    check_all_axes(&self, check);
                }
                series_release(&self.series);
                canvas_release(&self.canvas);
            }
}

static void spikes_light_a_dot(void **state)
{
    (void)state;
    everywhere(HIGHEST, 512, false, check_spike);
    everywhere(500, 128, false, check_spike);
    everywhere(-700, 128, false, check_spike);
}

static void spikes_light_a_dot_on_a_logarithmic_axis(void **state)
{
    (void)state;
    everywhere(HIGHEST, 64, true, check_spike);
    everywhere(50, 64, true, check_spike);
    everywhere(0.01, 64, true, check_spike);
}

static void what_is_not_finite_stands_on_the_axis(void **state)
{
    (void)state;
    everywhere((double)NAN, 512, false, check_mark);
    everywhere((double)INFINITY, 64, false, check_mark);
    everywhere(-(double)INFINITY, 64, true, check_mark);
}

/* A chart of which nothing is finite still says where. */
static void nothing_finite(void **state)
{
    (void)state;
    struct picture self = {.plot = 20, .per_dot = 2};
    canvas_resize(&self.canvas, LEFT + GUTTER + 22, TOP + HEIGHT + 2);
    for (int64_t i = 0; i < 80; i++) series_add(&self.series, (struct wire_point){i, wall_of(i), (double)NAN});
    draw(&self);
    for (int column = 0; column < 20; column++) assert_int_equal(cell_at(&self, column, AXIS)->code, '!');
    series_release(&self.series);
    canvas_release(&self.canvas);
}

/* From the first row down to the axis, but for what the line itself covers. */
static void the_crosshair_is_upright(void **state)
{
    (void)state;
    struct picture self = {.plot = 23, .per_dot = 3, .odd = 60, .value = 500};
    canvas_resize(&self.canvas, LEFT + GUTTER + 25, TOP + HEIGHT + 2);
    fill(&self);
    draw(&self);
    const int column = dot_of(&self, self.odd) / 2;
    for (int row = 0; row <= ROWS; row++) {
        const bool crossed = cell_at(&self, column, TOP + 1 + row)->code == canvas_glyph(&self.canvas, GLYPH_BESIDE);
        assert_true(crossed != (row < ROWS && has_line(&self, column, row)));
    }
    series_release(&self.series);
    canvas_release(&self.canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spikes_light_a_dot),
                                       cmocka_unit_test(spikes_light_a_dot_on_a_logarithmic_axis),
                                       cmocka_unit_test(what_is_not_finite_stands_on_the_axis),
                                       cmocka_unit_test(nothing_finite), cmocka_unit_test(the_crosshair_is_upright)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
