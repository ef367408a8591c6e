/* Keys of all lists, and what the Data view makes of documents that hold anything. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "tests/tui/sample.h"
#include "tui/shows/show.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct app app;
static struct canvas canvas;

static int open_app(void **state)
{
    (void)state;
    sample_open(&app, &canvas, 120, 40);
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

static struct view_list list_now(void)
{
    return view_at(app.view)->list(app.state[app.view]);
}

static const char *row_now(void)
{
    static char words[512];
    struct text row = {0};
    view_at(app.view)->row(&app, app.state[app.view], list_now().list->chosen, &row);
    snprintf(words, sizeof words, "%s", text_get(&row));
    text_release(&row);
    return words;
}

/* What was looked for is found again once all is shown, round and round. */
static void hits_come_one_after_the_other(void **state)
{
    (void)state;
    app.view = VIEW_run;
    type("/model\n");
    assert_true(list_now().count > 1);
    type("\033g");
    const int all = list_now().count, first = (type("n"), list_now().list->chosen);
    assert_non_null(strstr(row_now(), "model"));
    int hits = 1;
    for (type("n"); list_now().list->chosen != first; type("n"), hits++) assert_non_null(strstr(row_now(), "model"));
    assert_true(hits > 1 && hits < all);
    type("N");
    const int last = list_now().list->chosen;
    assert_true(last != first);
    type("n");
    assert_int_equal(list_now().list->chosen, first);
}

/* Y writes all rows of every list, as many as there are, and has them for the clipboard. */
static void copies_hold_all_rows(void **state)
{
    (void)state;
    int lists = 0;
    for (app.view = 0; app.view < VIEWS; app.view++) {
        if (!view_at(app.view)->list) continue;
        char *bytes, path[256];
        size_t length, rows = 0;
        type("Y");
        assert_true(list_now().count > 0 && app.copy.length > 0);
        snprintf(path, sizeof path, "%s/lists/%s.tsv", app.feed.hello.folder, view_at(app.view)->name);
        assert_non_null(strstr(app.note, path));
        assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
        assert_true(length == app.copy.length && memcmp(bytes, app.copy.bytes, length) == 0);
        for (size_t i = 0; i < length; i++) rows += bytes[i] == '\n';
        assert_int_equal(rows, list_now().count);
        free(bytes);
        lists++;
    }
    assert_true(lists >= 5);
}

static void classes_are_sorted(void **state)
{
    (void)state;
    app.view = VIEW_data;
    type("");
    assert_string_equal(row_now(), "0\t142\t36\t1.0000");
    type(">");
    assert_string_equal(row_now(), "6\t151\t30\t1.0000"); /* the most to train with */
    type("I");
    assert_string_equal(row_now(), "2\t133\t44\t1.0000");
    type("I>>");
    assert_string_equal(row_now(), "8\t137\t37\t0.9459"); /* the worst */
    type(">");
    assert_string_equal(row_now(), "0\t142\t36\t1.0000");
    type("ooo<<<"); /* pictures of a batch, by loss: what is not finite first */
    assert_string_equal(row_now(), "data/digits/9/0002.png\t9\t9\tnan");
    type("l");
    assert_string_equal(row_now(), "data/digits/3/0007.png\t3\t5\t2.75");
}

/* A screen that only looks asks for nothing; another does when pictures of a batch are wanted. */
static void pictures_of_a_batch_are_asked_for(void **state)
{
    (void)state;
    app.view = VIEW_data;
    app.read_only = true;
    type("r");
    assert_true(app.out.length == 0 && list_now().count == 3);
    app.read_only = false;
    type("r");
    assert_non_null(strstr(app.out.bytes + WIRE_HEADER, "show_batch"));
}

static void documents_may_hold_anything(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"names\":3,\"train\":{},\"cells\":7,\"classes\":3,\"samples\":[1,[],null],\"pictures\":[{}],\"height\":1}",
        "{\"names\":[1],\"train\":[-5,1e300,\"x\"],\"classes\":2,\"cells\":[[0],[9,9,9],[-1,0,1],[1,1,-4],[1,5,2],null]"
        ","
        "\"samples\":[{\"path\":3,\"loss\":\"x\"}],\"height\":2,\"width\":2,\"pictures\":[{\"rgb\":\"AAAA\"}]}",
        "{\"classes\":1000000000000,\"height\":100000,\"width\":100000,\"cells\":[],\"pictures\":[{\"rgb\":\"\"}]}",
        "{\"classes\":-1,\"cells\":[[0,0,1]],\"train\":[1,2,3],\"height\":1,\"width\":1,\"pictures\":[{\"rgb\":"
        "\"AAAA\","
        "\"target\":-7,\"predicted\":1e9}]}"};
    static const char *const names[] = {"classes", "confusion", "mistakes", "batch"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char folder[64], path[128];
        snprintf(folder, sizeof folder, "anything-%zu", i);
        snprintf(path, sizeof path, "%s/documents", folder);
        assert_int_equal(path_make_folder(path), LT_OK);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            snprintf(path, sizeof path, "%s/documents/%s.json", folder, names[k]);
            assert_int_equal(path_write_atomic(path, texts[i], strlen(texts[i])), LT_OK);
        }
        close_app(NULL), open_app(NULL);
        free(app.feed.hello.folder);
        app.feed.hello.folder = memory_text(folder);
        app.view = VIEW_data;
        type(" >IjlYo>IjlYo>>IjlY/x\n\033o>IjlnNYo>Y");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_app, close_app)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(hits_come_one_after_the_other), CASE(copies_hold_all_rows),
                                       CASE(classes_are_sorted), CASE(pictures_of_a_batch_are_asked_for),
                                       CASE(documents_may_hold_anything)};
    return cmocka_run_group_tests(tests, sample_enter, sample_leave);
}
