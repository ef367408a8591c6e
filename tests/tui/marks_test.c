/* What is marked is shown together. */
#include "data/base/memory.h"
#include "tests/tui/sample.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct app app;
static struct canvas canvas;

static int open_app(void **state)
{
    (void)state;
    sample_open(&app, &canvas, 200, 40);
    return 0;
}

static int close_app(void **state)
{
    (void)state;
    sample_close(&app, &canvas);
    return 0;
}

static void type(const char *keys)
{
    sample_type(&app, &canvas, keys);
}

static bool is_seen(const char *words)
{
    struct text picture = {0};
    sample_print(&picture, &canvas);
    const bool seen = strstr(text_get(&picture), words) != NULL;
    text_release(&picture);
    return seen;
}

static void marked_metrics_share_a_chart(void **state)
{
    (void)state;
    type("2");
    assert_true(is_seen("train 0.0255")); /* training and validation of the loss */
    type(" ");
    assert_true(marks_has_metric(&app.marks, "train/loss") && is_seen("1 marked"));
    type("nn \n");
    assert_true(is_seen("marked  A train/loss") && is_seen("B grad_norm"));
    type("\033 ");
    assert_false(marks_has_metric(&app.marks, "grad_norm"));
    type("\n");
    assert_true(is_seen("A train/loss") && !is_seen("B grad_norm"));
    type("u");
    assert_true(app.marks.metrics == 0 && !is_seen("A train/loss"));
}

/* Another run beside it: both are shown, then the marked one only, then both of its metrics. */
static void marked_runs_are_those_compared(void **state)
{
    (void)state;
    struct app second = {0};
    sample_fill(&second);
    app.other = memory_new(1, sizeof *app.other);
    app.other[0] = second.feed;
    app.others = 1;
    type("2");
    assert_true(is_seen("A version_0") && is_seen("B version_0"));
    type("8jj ");
    assert_true(marks_has_run(&app.marks, 1) && is_seen("* cnn/version_0"));
    type("2");
    assert_true(is_seen("A version_0") && !is_seen("B version_0"));
    type(" n \n");
    assert_true(is_seen("A train/loss") && is_seen("B val/loss") && !is_seen("  C "));
    marks_turn_run(&app.marks, 1);
    type("");
    assert_true(is_seen("C val/loss") && is_seen("D val/loss"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_app, close_app)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(marked_metrics_share_a_chart), CASE(marked_runs_are_those_compared)};
    return cmocka_run_group_tests(tests, sample_enter, sample_leave);
}
