/* A million updates of a screen: values, events, keys, other sizes and views, each drawn and handed to curses. The
 * memory in use after each run of the feed is the same: a run's history is all that grows, and another HELLO ends it.
 */
#include "tests/tui/sample.h"

#include "tui/views/view.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { UPDATES = 1000000, TICK = 200, RUN = 20000 /* updates of one run */, METRICS = 4 };
enum {
    SLACK = 512 << 10 /* bytes: texts keep their largest size; half a byte an update would be more */,
    PAGES_SLACK = 1024
};

static struct app app;
static struct canvas canvas;

static void begin_run(void)
{
    struct text frames = {0};
    sample_fill(&app); /* with a HELLO: what was before is forgotten */
    for (int i = 0; i < METRICS; i++) {
        char name[32];
        snprintf(name, sizeof name, "train/more%d", i);
        wire_put_json(&frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", 100 + i, "name", name));
    }
    sample_put(&app, &frames);
}

static void feed(int i)
{
    struct text frames = {0};
    const int64_t step = 701 + i % RUN;
    const double value = i % 977 == 0 ? (double)NAN : i % 1013 == 0 ? 1e6 : sin(i * 0.01) + 2;
    wire_put_points(&frames, (uint32_t)(100 + i % METRICS), &(struct wire_point){step, 1e9 + 0.1 * (double)step, value},
                    1);
    if (i % 5 == 0) {
        const struct run_status status = {.state = i % 2000 < 1000 ? RUN_RUNNING : RUN_PAUSED,
                                          .step = step,
                                          .steps = 30000,
                                          .epochs = 20,
                                          .step_ms = 9 + i % 3,
                                          .monitor = "val/acc",
                                          .phase_ms = {1, 1, 3, 3, 1}};
        wire_put_json(&frames, WIRE_STATUS, wire_status(&status));
    }
    if (i % 500 == 0)
        wire_put_json(&frames, WIRE_EVENT,
                      json_pack("{s:I, s:f, s:s, s:s, s:s}", "step", (json_int_t)step, "wall", 1e9, "kind",
                                "grad_warning", "level", "warning", "text", "gradient norm 120 is above 100"));
    sample_put(&app, &frames);
}

/* Everything a person may do, but for what leaves the screen. */
static void act(int i)
{
    static const char keys[] = "hh+l{}-yxs0eE/a\nnN>I<jjkkoO\n\033pcv[]\n[u?jj\033wdmmZZYr\t";
    static const int sizes[][2] = {{80, 24}, {40, 12}, {60, 16}, {20, 6}, {100, 18}};
    const int64_t now_ns = 1000000 * (int64_t)i; /* a fixed clock: a millisecond an update */
    if (i % 7 == 0) app_key(&app, keys[i / 7 % (int)(sizeof keys - 1)], now_ns);
    if (i % 997 == 0) app_key(&app, '1' + i / 997 % VIEWS, now_ns);
    if (i % 401 == 0) canvas_resize(&canvas, sizes[i / 401 % 5][0], sizes[i / 401 % 5][1]);
    if (i % TICK == 0) app_tick(&app);
    text_clear(&app.out), text_clear(&app.copy);
    app.leave = app.suspend = false;
}

/* Without what the allocator keeps of freed memory: how much is its choice, and differs from run to run. */
static size_t pages_resident(void)
{
    size_t all = 0, resident = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &resident), 2);
    fclose(file);
    return resident;
}

static void memory_stays_as_it_is(void **state)
{
    (void)state;
    size_t used_early = 0, pages_early = 0;
    for (int i = 0; i < UPDATES; i++) {
        if (i % RUN == 0) begin_run();
        if (i == UPDATES / 10) used_early = mallinfo2().uordblks, pages_early = pages_resident();
        feed(i);
        act(i);
        app_draw(&app, &canvas);
        term_draw(&canvas, i % 5003 == 0);
    }
    begin_run(); /* as at the tenth: a run has just begun */
    const size_t used = mallinfo2().uordblks, pages = pages_resident();
    fprintf(stderr, "in use: %zu bytes after a tenth, %zu at the end; resident: %zu and %zu pages\n", used_early, used,
            pages_early, pages);
    assert_true(used <= used_early + SLACK);
    assert_true(pages <= pages_early + PAGES_SLACK);
}

/* Curses draws into nothing. */
static int enter(void **state)
{
    const struct term_options options = {.color = "256", .glyphs = "braille"};
    struct theme theme;
    if (sample_enter(state) != 0) return -1;
    setenv("TERM", "xterm-256color", 1);
    setenv("COLUMNS", "120", 1), setenv("LINES", "40", 1);
    fflush(stdout);
    const int null = open("/dev/null", O_RDWR), out = dup(STDOUT_FILENO);
    if (null < 0 || out < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDIN_FILENO) < 0) return -1;
    theme_default(&theme);
    preferences_default(&app.look);
    canvas_resize(&canvas, 80, 24);
    if (term_open(&options, &theme) != LT_OK) return -1;
    term_prepare(&canvas);
    close(null);
    return 0;
}

static int leave(void **state)
{
    term_close();
    canvas_release(&canvas);
    app_release(&app);
    return sample_leave(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_stays_as_it_is)};
    return cmocka_run_group_tests(tests, enter, leave);
}
