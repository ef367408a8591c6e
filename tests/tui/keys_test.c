/* Every key of the help does what the help says: the tables of keys are walked, each key and its second one is pressed,
 * and what it is to do is looked for. A key without an expectation here is a failure, and so is an expectation without
 * a key. The help itself shows every line whole. */
#include "tests/tui/sample.h"

#include "data/base/path.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Where a key works, beside those of a single view: tables that several share. */
enum { EVERYWHERE = -1, CHARTS = -2, LISTS = -3, SORTS = -4 };

/* What changed by a key: a shallow copy of the app before it, and the app. */
static int chosen_before, chosen_after; /* rows of the view's list */
static struct sorting sorting_before, sorting_after;
typedef bool effect(const struct app *before, const struct app *after);

static const struct expectation {
    int where; /* a view, or one of the above */
    int key;
    const char *first;         /* is typed before */
    const char *sends;         /* a command that the run gets */
    const char *shows, *hides; /* text of the picture that comes, that goes */
    effect *does;
} expectations[];

/* ---- effects ---- */

static bool marks_one(const struct app *before, const struct app *after)
{
    return after->marks.metrics == before->marks.metrics + 1;
}

static bool cursor_goes_left(const struct app *before, const struct app *after)
{
    return after->lens.has_cursor && after->lens.cursor < before->lens.cursor;
}

static bool cursor_goes_right(const struct app *before, const struct app *after)
{
    return after->lens.has_cursor && after->lens.cursor > before->lens.cursor;
}

static int64_t width_of(const struct app *app)
{
    return app->lens.zoomed ? app->lens.last - app->lens.first + 1 : INT64_MAX;
}

static bool shows_less(const struct app *before, const struct app *after)
{
    const bool has_cursor = after->lens.first <= after->lens.cursor && after->lens.cursor <= after->lens.last;
    return width_of(after) < width_of(before) && has_cursor;
}

static bool shows_more(const struct app *before, const struct app *after)
{
    return width_of(after) > width_of(before);
}

static bool pans_left(const struct app *before, const struct app *after)
{
    return after->lens.first < before->lens.first && width_of(after) == width_of(before);
}

static bool pans_right(const struct app *before, const struct app *after)
{
    return after->lens.first > before->lens.first && width_of(after) == width_of(before);
}

static bool is_reset(const struct app *before, const struct app *after)
{
    return before->lens.zoomed && before->lens.has_cursor && !after->lens.zoomed && !after->lens.has_cursor;
}

static bool turns_log(const struct app *before, const struct app *after)
{
    return after->lens.log_y != before->lens.log_y;
}

static bool turns_raw(const struct app *before, const struct app *after)
{
    return after->lens.raw != before->lens.raw;
}

static bool is_at_event(const struct app *app)
{
    for (size_t i = 0; i < app->feed.events; i++)
        if (app->feed.event[i].step == app->lens.cursor) return app->lens.has_cursor;
    return false;
}

static bool next_event(const struct app *before, const struct app *after)
{
    return cursor_goes_right(before, after) && is_at_event(after);
}

static bool event_before(const struct app *before, const struct app *after)
{
    return cursor_goes_left(before, after) && is_at_event(after);
}

static bool is_at_newest_warning(const struct app *before, const struct app *after)
{
    (void)before;
    return after->lens.has_cursor && after->lens.cursor == 501;
}

static bool charts_at_newest_event(const struct app *before, const struct app *after)
{
    (void)before;
    return after->view == VIEW_charts && after->lens.has_cursor && after->lens.cursor == 675;
}

static bool chooses_next(const struct app *before, const struct app *after)
{
    (void)before, (void)after;
    return chosen_after == chosen_before + 1;
}

static bool chooses_one_before(const struct app *before, const struct app *after)
{
    (void)before, (void)after;
    return chosen_after == chosen_before - 1;
}

static bool sorts_by_next(const struct app *before, const struct app *after)
{
    (void)before, (void)after;
    return sorting_after.column == sorting_before.column + 1;
}

static bool sorts_by_one_before(const struct app *before, const struct app *after)
{
    (void)before, (void)after;
    return sorting_after.column == sorting_before.column - 1;
}

static bool turns_around(const struct app *before, const struct app *after)
{
    (void)before, (void)after;
    return sorting_after.inverted && !sorting_before.inverted;
}

static bool copies(const struct app *before, const struct app *after)
{
    return before->copy.length == 0 && after->copy.length > 0;
}

static bool opens_quit(const struct app *before, const struct app *after)
{
    return before->overlay == OVERLAY_NONE && after->overlay == OVERLAY_QUIT;
}

static bool next_view(const struct app *before, const struct app *after)
{
    return after->view == (before->view + 1) % VIEWS;
}

static bool view_before(const struct app *before, const struct app *after)
{
    return before->view == (after->view + 1) % VIEWS;
}

static bool repaints(const struct app *before, const struct app *after)
{
    return !before->repaint && after->repaint;
}

static bool suspends(const struct app *before, const struct app *after)
{
    return !before->suspend && after->suspend;
}

static bool closes(const struct app *before, const struct app *after)
{
    return before->overlay != OVERLAY_NONE && after->overlay == OVERLAY_NONE;
}

static const struct expectation expectations[] = {
    {VIEW_charts, '\n', "", .hides = "acc  train"},
    {VIEW_charts, 27, "\n", .shows = "acc  train"},
    {VIEW_charts, ' ', "", .shows = "1 marked"},
    {VIEW_charts, 'u', " ", .hides = "1 marked"},
    {VIEW_charts, '/', "", .shows = "/_"},
    {VIEW_charts, 'Y', "", .shows = "written: ", .does = copies},
    {VIEW_charts, 'n', "", .shows = "2 of"},
    {VIEW_charts, 'N', "n", .shows = "1 of"},
    {LISTS, '/', "", .shows = "/_"},
    {LISTS, 'n', "/weight\n", .does = chooses_next},
    {LISTS, 'N', "/weight\nj", .does = chooses_one_before},
    {LISTS, 'Y', "", .shows = " rows: ", .does = copies},
    {SORTS, '>', "", .does = sorts_by_next},
    {SORTS, '<', ">>", .does = sorts_by_one_before},
    {SORTS, 'I', "", .does = turns_around},
    {VIEW_gradients, ' ', "", .does = marks_one},
    {VIEW_gradients, '\n', "", .does = is_at_newest_warning},
    {VIEW_profiler, '\n', "", .shows = "+ fit", .hides = "backward"},
    {VIEW_profiler, '\n', "\n", .shows = "- fit"},
    {VIEW_profiler, 'w', "", .shows = "since the start", .hides = "the newest steps"},
    {VIEW_profiler, 'd', "", .shows = "change of the mean"},
    {VIEW_profiler, 'd', "d", .hides = "change of the mean"},
    {VIEW_profiler, 'm', "", .shows = "activations and gradients"},
    {VIEW_profiler, 't', "", .sends = "profile"},
    {VIEW_data, 'o', "", .shows = "rows: what is true"},
    {VIEW_data, 'O', "", .shows = "every file could be read"},
    {VIEW_data, 'r', "", .sends = "show_batch"},
    {VIEW_data, 'r', "r", .sends = "show_batch"},
    {VIEW_log, 'o', "", .shows = "printed (console.log)"},
    {VIEW_log, '\n', "", .does = charts_at_newest_event},
    {VIEW_run, ' ', "", .shows = "one run only"},
    {VIEW_run, 'b', "jjjjjjjjj", .shows = "with KEY=VALUE changed"},
    {VIEW_run, 'd', "jjjjjjjjj", .sends = "protect"},
    {CHARTS, 'h', "h", .does = cursor_goes_left},
    {CHARTS, 'l', "hhh", .does = cursor_goes_right},
    {CHARTS, '+', "hhh", .does = shows_less},
    {CHARTS, '-', "h++", .does = shows_more},
    {CHARTS, '{', "h++", .does = pans_left},
    {CHARTS, '}', "h++{{", .does = pans_right},
    {CHARTS, '0', "h+", .does = is_reset},
    {CHARTS, 'y', "", .does = turns_log},
    {CHARTS, 's', "", .does = turns_raw},
    {CHARTS, 'x', "", .shows = "ep 0.0"},
    {CHARTS, 'e', "hEEEE", .does = next_event},
    {CHARTS, 'E', "h", .does = event_before},
    {EVERYWHERE, 'p', "", .sends = "pause"},
    {EVERYWHERE, 'c', "", .sends = "checkpoint"},
    {EVERYWHERE, 'v', "", .sends = "validate"},
    {EVERYWHERE, ':', "", .shows = "tell the run"},
    {EVERYWHERE, '[', "", .shows = "times 0.5"},
    {EVERYWHERE, ']', "", .shows = "times 2"},
    {EVERYWHERE, 'q', "", .does = opens_quit, .shows = "lathe attach brings"},
    {EVERYWHERE, 3, "", .does = opens_quit},
    {EVERYWHERE, 3, "\3", .sends = "save_and_stop"},
    {EVERYWHERE, '\t', "", .does = next_view},
    {EVERYWHERE, TERM_BACK_TAB, "", .does = view_before},
    {EVERYWHERE, 'Z', "", .shows = "held (Z)"},
    {EVERYWHERE, 'Z', "Z", .hides = "held (Z)"},
    {EVERYWHERE, '?', "", .shows = "write a checkpoint now"},
    {EVERYWHERE, TERM_F2, "", .shows = "how many colours"},
    {EVERYWHERE, 12, "", .does = repaints},
    {EVERYWHERE, 26, "", .does = suspends},
    {EVERYWHERE, 27, "?", .does = closes, .hides = "write a checkpoint now"},
};
enum { EXPECTATIONS = sizeof expectations / sizeof *expectations };

static bool used[EXPECTATIONS];

/* ---- pressing ---- */

enum { WIDTH = 120, HEIGHT = 44 };

static struct canvas canvas;

static char *picture(struct app *app)
{
    struct text out = {0};
    canvas_resize(&canvas, WIDTH, HEIGHT);
    app_draw(app, &canvas);
    sample_print(&out, &canvas);
    return text_detach(&out);
}

static void press(struct app *app, const char *keys)
{
    for (; *keys; keys++) {
        free(picture(app)); /* some keys go by what is shown */
        app_key(app, *keys, 1000000000);
    }
}

static int chosen_row(struct app *app)
{
    const struct view *view = view_at(app->view);
    return view->list ? view->list(view_state(app, app->view)).list->chosen : 0;
}

static struct sorting sorting_of(struct app *app)
{
    const struct view *view = view_at(app->view);
    const struct sorting *sorting = view->list ? view->list(view_state(app, app->view)).sorting : NULL;
    return sorting ? *sorting : (struct sorting){0};
}

/* What is not as expected, or NULL. */
static const char *differs(const struct expectation *expected, const struct app *before, const struct app *after,
                           const char *old, const char *new)
{
    char command[64];
    snprintf(command, sizeof command, "\"command\":\"%s\"", expected->sends ? expected->sends : "");
    if (expected->sends && !(after->out.length && strstr(after->out.bytes + WIRE_HEADER, command))) return "not sent";
    if (expected->shows && (strstr(old, expected->shows) || !strstr(new, expected->shows))) return "does not come";
    if (expected->hides && (!strstr(old, expected->hides) || strstr(new, expected->hides))) return "does not go";
    return expected->does && !expected->does(before, after) ? "has another effect" : NULL;
}

static void expect(const struct expectation *expected, int view, int key, const char *words)
{
    struct app app = {.view = view};
    preferences_default(&app.look);
    sample_fill(&app);
    press(&app, expected->first);
    char *old = picture(&app);
    text_clear(&app.out);
    const struct app before = app;
    chosen_before = chosen_row(&app), sorting_before = sorting_of(&app);
    app_key(&app, key, 2000000000);
    chosen_after = chosen_row(&app), sorting_after = sorting_of(&app);
    char *new = picture(&app);
    const char *what = differs(expected, &before, &app, old, new);
    if (what) {
        fputs(new, stderr);
        fail_msg("%s: key %s (%#x) after '%s': %s", view_at(view)->name, words, (unsigned)key, expected->first, what);
    }
    free(old), free(new);
    app_release(&app);
}

/* All that is expected of a row of a table; a second key does the same. */
static void check_row(int where, int view, int key, int other, const char *words)
{
    int found = 0;
    for (int i = 0; i < EXPECTATIONS; i++) {
        if (expectations[i].where != where || expectations[i].key != key) continue;
        expect(&expectations[i], view, key, words);
        if (other != key) expect(&expectations[i], view, other, words);
        used[i] = true;
        found++;
    }
    if (!found) fail_msg("nothing says what key %s of %s is to do", words, view_at(view)->name);
}

static int where_of(const struct view_key *table, int view)
{
    return table == view_list_keys ? LISTS : table == view_sort_keys ? SORTS : table == view_lens_keys ? CHARTS : view;
}

/* Tables that several views share are pressed in one of them. */
static void keys_of_views(void **state)
{
    (void)state;
    for (int view = 0; view < VIEWS; view++) {
        const struct view_key *keys;
        for (int table = 0, count; (count = view_keys(view_at(view), table, &keys)) > 0; table++) {
            const int where = where_of(keys, view);
            const bool here = where >= 0 || view == (where == CHARTS ? VIEW_train : VIEW_gradients);
            for (int i = 0; here && i < count; i++) check_row(where, view, keys[i].key, keys[i].other, keys[i].words);
        }
    }
}

/* A view may use such a key for something else; then its own help says so. */
static bool is_own(const struct view *view, int key)
{
    for (int i = 0; i < view->key_count; i++)
        if (view->keys[i].key == key || view->keys[i].other == key) return true;
    return false;
}

static void keys_of_everything(void **state)
{
    (void)state;
    static const struct {
        int key, other;
        const char *words;
    } actions[] = {
#define ACTION(function, key, other, words, help) {key, other, words},
#include "tui/actions.def"
#undef ACTION
    };
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        for (int view = 0; view < VIEWS; view++)
            if (!is_own(view_at(view), actions[i].key))
                check_row(EVERYWHERE, view, actions[i].key, actions[i].other, actions[i].words);
    for (int view = 0; view < VIEWS; view++) { /* "Tab 1…9" */
        struct app app = {0};
        sample_fill(&app);
        app_key(&app, '1' + view, 0);
        assert_int_equal(app.view, view);
        app_release(&app);
    }
}

static void nothing_is_expected_of_no_key(void **state)
{
    (void)state;
    for (int i = 0; i < EXPECTATIONS; i++)
        if (!used[i]) fail_msg("no table has key %#x (where %d)", (unsigned)expectations[i].key, expectations[i].where);
}

/* ---- the help ---- */

static void check_line(const char *shown, const struct view *view, const char *words, const char *help)
{
    char line[160];
    int columns = 0;
    for (const char *c = words; *c; c++) columns += (*c & 0xC0) != 0x80;
    snprintf(line, sizeof line, "%s%*s%s", words, 12 - columns, "", help);
    if (!strstr(shown, line)) fail_msg("the help of %s does not show '%s' whole", view->name, line);
}

static void the_help_is_whole(void **state)
{
    (void)state;
    static const char *const actions[][2] = {
#define ACTION(function, key, other, words, help) {words, help},
#include "tui/actions.def"
#undef ACTION
    };
    for (int i = 0; i < VIEWS; i++) {
        const struct view *view = view_at(i);
        struct app app = {.view = i, .overlay = OVERLAY_HELP};
        sample_fill(&app);
        char *shown = picture(&app);
        const struct view_key *keys;
        for (int table = 0, count; (count = view_keys(view, table, &keys)) > 0; table++)
            for (int k = 0; k < count; k++) check_line(shown, view, keys[k].words, keys[k].help);
        for (size_t k = 0; k < sizeof actions / sizeof *actions; k++)
            check_line(shown, view, actions[k][0], actions[k][1]);
        free(shown);
        app_release(&app);
    }
}

static int enter(void **state)
{
    setenv("TZ", "UTC", 1);
    if (sample_enter(state) != 0 || path_make_folder("tests/tui/run/checkpoints") != LT_OK) return -1;
    return path_write_atomic("tests/tui/run/checkpoints/last.ckpt", "x", 1) == LT_OK ? 0 : -1;
}

static int leave(void **state)
{
    canvas_release(&canvas);
    return sample_leave(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_of_views), cmocka_unit_test(keys_of_everything),
                                       cmocka_unit_test(nothing_is_expected_of_no_key),
                                       cmocka_unit_test(the_help_is_whole)};
    return cmocka_run_group_tests(tests, enter, leave);
}
