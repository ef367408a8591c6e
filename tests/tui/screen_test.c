/* Golden screens: a synthetic run drawn at three sizes, with braille and in ASCII, compared cell by cell with what is
 * stored (characters, then the theme slot of each cell as a letter). LATHE_UPDATE=1 stores what is drawn: look at the
 * difference. Then what menus do, without a terminal. */
#include "tests/tui/sample.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "tui/menu.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- screens ---- */

static void golden(const char *name, int width, int height, bool ascii, const char *keys)
{
    struct app app = {0};
    struct canvas canvas = {.ascii = ascii};
    struct text drawn = {0};
    sample_fill(&app);
    canvas_resize(&canvas, width, height);
    for (; *keys; keys++) {
        app_draw(&app, &canvas); /* some keys go by what is shown */
        app_key(&app, *keys, 0);
    }
    app_draw(&app, &canvas);
    sample_print(&drawn, &canvas);
    sample_compare(&drawn, name);
    for (int i = 0; ascii && i < width * height; i++) assert_true(canvas.cell[i].code < 128);
    text_release(&drawn);
    canvas_release(&canvas);
    app_release(&app);
}

static void screens(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    golden("train_80x24", 80, 24, false, "");
    golden("train_120x40", 120, 40, false, "");
    golden("train_200x60", 200, 60, false, "");
    golden("train_80x24_ascii", 80, 24, true, "");
    golden("train_40x12", 40, 12, false, "");
    golden("train_cursor_80x24", 80, 24, false, "hhhhhhhhhhhh+");
    golden("train_log_80x24", 80, 24, false, "yx");
    golden("help_80x24", 80, 24, false, "?");
    golden("quit_80x24", 80, 24, false, "q");
    golden("rate_80x24", 80, 24, false, "[[");
    golden("command_80x24", 80, 24, false, ":");
    golden("command_wrong_80x24", 80, 24, false, ":dance\n");
    golden("command_40x12_ascii", 40, 12, true, ":set max_epochs=");
    golden("charts_80x24", 80, 24, false, "2");
    golden("charts_120x40", 120, 40, false, "2");
    golden("charts_200x60", 200, 60, false, "2");
    golden("charts_80x24_ascii", 80, 24, true, "2");
    golden("charts_filter_80x24", 80, 24, false, "2/gra\n");
    golden("charts_alone_80x24", 80, 24, false, "2jn\n");
    golden("gradients_80x24", 80, 24, false, "3");
    golden("gradients_120x40", 120, 40, false, "3>");
    golden("gradients_200x60", 200, 60, false, "3\n");
    golden("gradients_80x24_ascii", 80, 24, true, "3");
    golden("profiler_80x24", 80, 24, false, "4");
    golden("profiler_120x40", 120, 40, false, "4jjj\njj\n");
    golden("profiler_200x60_ascii", 200, 60, true, "4>>>Iwd");
    golden("profiler_filter_80x24", 80, 24, false, "4/backward conv\n");
    golden("profiler_memory_80x24", 80, 24, false, "4m");
    golden("data_80x24", 80, 24, false, "5");
    golden("data_confusion_80x24", 80, 24, false, "5o");
    golden("data_confusion_80x24_ascii", 80, 24, true, "5o");
    golden("data_mistakes_120x40", 120, 40, false, "5ool");
    golden("data_mistakes_80x24_ascii", 80, 24, true, "5oo");
    golden("data_batch_80x24", 80, 24, false, "5ooo");
    golden("data_batch_80x24_ascii", 80, 24, true, "5ooo>");
    golden("data_unreadable_80x24", 80, 24, false, "5O");
    golden("log_80x24", 80, 24, false, "7");
    golden("log_120x40", 120, 40, false, "7/warning\n");
    golden("log_whole_60x20", 60, 20, false, "7k");
    golden("log_printed_80x24", 80, 24, false, "7o");
    golden("run_80x24", 80, 24, false, "8");
    golden("run_120x40_ascii", 120, 40, true, "8jjj");
    golden("run_200x60", 200, 60, false, "8/conv\n");
}

/* Every size is drawn without touching anything outside (the sanitizers watch), an empty feed too. */
static void every_size(void **state)
{
    (void)state;
    struct app full = {0}, empty = {0};
    struct canvas canvas = {0};
    sample_fill(&full);
    for (int width = 1; width <= 300; width += width < 90 ? 1 : 13)
        for (int height = 1; height <= 100; height += height < 40 ? 1 : 7)
            for (int i = 0; i <= VIEWS + OVERLAY_SETTINGS - 1; i++) { /* every view, then each overlay on the first */
                full.view = empty.view = i < VIEWS ? i : 0;
                full.overlay = empty.overlay = (enum overlay)(i < VIEWS ? OVERLAY_NONE : i - VIEWS + 1);
                canvas_resize(&canvas, width, height);
                app_draw(&full, &canvas);
                app_draw(&empty, &canvas);
            }
    canvas_release(&canvas);
    app_release(&full), app_release(&empty);
}

/* Documents are files, and anything may be in them. */
static void documents_may_hold_anything(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"window\":3,\"live\":{}}",
        "{\"window\":[[]],\"live\":[null,\"x\",-1,1e308]}",
        "{\"window\":[[-1,\"fit\",1,1e9,1,1,0,0,false],[5,\"x\",1,1,1,1,1,1,true]],\"slowest\":[3,[],[1,2,3]]}",
        ("{\"window\":[[-1,\"a\",0,0,0,0,0,0],[0,\"b\",-1,-1,-1,-1,-1,-1],[1,\"c\",1e300,1e300,1,1,1,1,true],[0,\"d\"],"
         "[1,\"late\",1,1,1,1,1,1,1]],\"verdict\":[],\"window_s\":\"x\"}")};
    static const char *const names[] = {"profile", "memory"};
    char folder[] = "/tmp/lathe-documents-XXXXXX", path[96];
    struct canvas canvas = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/documents", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    canvas_resize(&canvas, 100, 30);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "%s/documents/%s.json", folder, names[k]);
            assert_int_equal(path_write_atomic(path, texts[i], strlen(texts[i])), LT_OK);
        }
        struct app app = {.view = VIEW_profiler};
        sample_fill(&app);
        free(app.feed.hello.folder);
        app.feed.hello.folder = memory_text(folder);
        for (const char *key = " wIdjj\n>mm/x"; *key; key++) {
            app_draw(&app, &canvas);
            app_key(&app, *key, 0);
        }
        app_release(&app);
    }
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/documents/%s.json", folder, names[k]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s/documents", folder);
    assert_int_equal(rmdir(path) | rmdir(folder), 0);
    canvas_release(&canvas);
}

/* ---- keys ---- */

static void expect_sent(struct app *app, const char *command)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"command\":\"%s\"", command);
    if (!strstr(app->out.length ? app->out.bytes + WIRE_HEADER : "", wanted)) fail_msg("%s was not sent", command);
    text_clear(&app->out);
}

static void menus_ask_before_they_do(void **state)
{
    (void)state;
    struct app app = {0};
    const int64_t second = 1000000000;
    sample_fill(&app);
    app_key(&app, 'p', 0);
    expect_sent(&app, "pause");
    app.feed.status.state = RUN_PAUSED;
    app_key(&app, 'p', 0);
    expect_sent(&app, "resume");
    app_key(&app, 'c', 0);
    expect_sent(&app, "checkpoint");
    app_key(&app, 'v', 0);
    expect_sent(&app, "validate");
    app_key(&app, '?', 0);
    assert_int_equal(app.overlay, OVERLAY_HELP);
    app_key(&app, 27, 0);
    assert_int_equal(app.overlay, OVERLAY_NONE);
    app_key(&app, 'q', 0);
    app_key(&app, TERM_DOWN, 0);
    app_key(&app, '\n', 0);
    expect_sent(&app, "save_and_stop");
    app_key(&app, TERM_F10, 0);
    app_key(&app, 'x', 0);
    expect_sent(&app, "stop");
    app_key(&app, 'q', 0);
    app_key(&app, 'n', 0);
    assert_true(app.overlay == OVERLAY_NONE && !app.leave && app.out.length == 0);
    app_key(&app, 3, 10 * second); /* once: the menu; later again: still the menu; twice within 2 s: save and stop */
    assert_int_equal(app.overlay, OVERLAY_QUIT);
    app_key(&app, 3, 13 * second);
    assert_true(app.overlay == OVERLAY_QUIT && app.out.length == 0);
    app_key(&app, 3, 14 * second);
    expect_sent(&app, "save_and_stop");
    app_key(&app, 'q', 0);
    app_key(&app, 'd', 0);
    assert_true(app.leave);
    app_release(&app);
}

/* A run that is gone leaves its picture and offers its log. */
static void a_lost_run_offers_its_log(void **state)
{
    (void)state;
    struct app app = {0};
    struct canvas canvas = {0};
    struct text drawn = {0};
    sample_fill(&app);
    app.frozen = true;
    app_lose(&app);
    canvas_resize(&canvas, 80, 24);
    app_draw(&app, &canvas);
    sample_print(&drawn, &canvas);
    sample_compare(&drawn, "gone_80x24");
    assert_false(app.frozen);
    app_key(&app, 'n', 0);
    app_key(&app, 'p', 0);
    assert_true(app.overlay == OVERLAY_NONE && !app.leave && app.out.length == 0);
    app_key(&app, 'q', 0);
    assert_int_equal(app.overlay, OVERLAY_GONE);
    app_key(&app, '\n', 0);
    assert_true(app.leave && app.open_log);
    app.leave = app.open_log = false;
    app_key(&app, 3, 1000000000);
    assert_true(app.overlay == OVERLAY_GONE && !app.leave);
    app_key(&app, 3, 2000000000);
    assert_true(app.leave && !app.open_log);
    text_release(&drawn);
    canvas_release(&canvas);
    app_release(&app);
}

/* The learning rate is asked for with what was chosen, or taken back, or left alone. */
static void the_learning_rate(void **state)
{
    (void)state;
    struct app app = {0};
    sample_fill(&app);
    for (const char *key = "]]\n"; *key; key++) app_key(&app, *key, 0);
    assert_non_null(strstr(app.out.bytes + WIRE_HEADER, "\"argument\":\"lr*4\""));
    text_clear(&app.out);
    for (const char *key = "[u"; *key; key++) app_key(&app, *key, 0);
    assert_non_null(strstr(app.out.bytes + WIRE_HEADER, "\"argument\":\"lr=undo\""));
    text_clear(&app.out);
    app_key(&app, '[', 0);
    app_key(&app, 27, 0);
    assert_true(app.overlay == OVERLAY_NONE && app.out.length == 0);
    app_release(&app);
}

/* The settings page changes what is seen at once, and keeps it. */
static void the_settings(void **state)
{
    (void)state;
    struct app app = {0};
    struct preferences kept;
    preferences_default(&app.look);
    sample_fill(&app);
    app_key(&app, TERM_F2, 0);
    app_key(&app, TERM_DOWN, 0);
    app_key(&app, TERM_DOWN, 0);
    app_key(&app, TERM_LEFT, 0);
    assert_true(app.restyle && app.overlay == OVERLAY_SETTINGS);
    assert_string_equal(app.look.value[PREFERENCE_GLYPHS], "ascii");
    app_key(&app, '\n', 0);
    assert_int_equal(app.overlay, OVERLAY_NONE);
    assert_int_equal(preferences_read(&kept), LT_OK);
    assert_string_equal(kept.value[PREFERENCE_GLYPHS], "ascii");
    app_release(&app);
}

/* Nor does it look as if it would. */
static void a_read_only_screen_sends_nothing(void **state)
{
    (void)state;
    struct app app = {.read_only = true};
    struct canvas canvas = {0};
    sample_fill(&app);
    app_key(&app, 'p', 0);
    app_key(&app, 'c', 0);
    assert_int_equal(app.out.length, 0);
    app.feed.asked[0] = 0;
    canvas_resize(&canvas, 120, 40);
    app_draw(&app, &canvas);
    assert_int_equal(canvas.cell[39 * 120].code, 'p');
    assert_int_equal(canvas.cell[39 * 120].slot, SLOT_DIM);
    canvas_release(&canvas);
    app_release(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(screens),
                                       cmocka_unit_test(every_size),
                                       cmocka_unit_test(documents_may_hold_anything),
                                       cmocka_unit_test(menus_ask_before_they_do),
                                       cmocka_unit_test(a_lost_run_offers_its_log),
                                       cmocka_unit_test(the_learning_rate),
                                       cmocka_unit_test(the_settings),
                                       cmocka_unit_test(a_read_only_screen_sends_nothing)};
    return cmocka_run_group_tests(tests, sample_enter, sample_leave);
}
