/* Keys of all lists: filter, hits, copies, order. */
#include "tui/views/view.h"

#include "data/base/path.h"

#include <stdio.h>
#include <stdlib.h>

enum { COPY_ROWS = 100000 };

static struct view_list list_of(const struct app *app, void *state)
{
    return view_at(app->view)->list(state);
}

static void do_filter(struct app *app, void *state)
{
    struct filter *filter = list_of(app, state).filter;
    filter->open = true;
}

/* ---- hits: what is searched for stays known when all is shown again ---- */

static bool is_hit(const struct app *app, const void *state, const struct filter *filter, int at)
{
    struct text row = {0};
    view_at(app->view)->row(app, state, at, &row);
    const bool hit = filter_finds(filter, text_get(&row));
    text_release(&row);
    return hit;
}

static void go_to_hit(struct app *app, void *state, int by)
{
    const struct view_list view = list_of(app, state);
    for (int i = 1; i <= view.count; i++) {
        const int at = ((view.list->chosen + by * i) % view.count + view.count) % view.count;
        if (!is_hit(app, state, view.filter, at)) continue;
        list_choose(view.list, at);
        return;
    }
    snprintf(app->note, sizeof app->note, "%s",
             view.count ? "nothing else has that; / says what" : "the list is empty");
}

static void do_next_hit(struct app *app, void *state)
{
    go_to_hit(app, state, 1);
}

static void do_previous_hit(struct app *app, void *state)
{
    go_to_hit(app, state, -1);
}

/* ---- copies ---- */

/* All rows as they are shown, into FOLDER/lists/VIEW.tsv and the clipboard. */
static void do_copy(struct app *app, void *state)
{
    const struct view *view = view_at(app->view);
    const int all = list_of(app, state).count, count = all < COPY_ROWS ? all : COPY_ROWS;
    char *folder = path_join(app->feed.has_hello ? app->feed.hello.folder : ".", "lists");
    struct text path = {0};
    text_clear(&app->copy);
    for (int i = 0; i < count; i++) {
        view->row(app, state, i, &app->copy);
        text_add(&app->copy, "\n");
    }
    text_add(&path, "%s/%s.tsv", folder, view->name);
    enum lt_err err = path_make_folder(folder);
    if (err == LT_OK) err = path_write_atomic(text_get(&path), text_get(&app->copy), app->copy.length);
    if (err == LT_OK)
        snprintf(app->note, sizeof app->note, "%d rows: %.200s", count, text_get(&path));
    else
        snprintf(app->note, sizeof app->note, "no file: %.200s", lt_message());
    text_release(&path);
    free(folder);
}

/* ---- order ---- */

static void sort(struct app *app, void *state, int by)
{
    const struct view_list view = list_of(app, state);
    if (view.sorting) sorting_move(view.sorting, by, view.columns);
}

static void do_sort_next(struct app *app, void *state)
{
    sort(app, state, 1);
}

static void do_sort_previous(struct app *app, void *state)
{
    sort(app, state, -1);
}

static void do_invert(struct app *app, void *state)
{
    struct sorting *sorting = list_of(app, state).sorting;
    if (sorting) sorting->inverted = !sorting->inverted;
}

const struct view_key view_list_keys[] = {
    {'/', '/', "/", "narrow, as you type; Enter keeps it, Esc shows all", "filter", do_filter},
    {'n', 'n', "n", "the next row that has what / looked for", NULL, do_next_hit},
    {'N', 'N', "N", "the row before that has it", NULL, do_previous_hit},
    {'Y', 'Y', "Y", "copy all rows; they are written into lists/, too", "copy", do_copy},
};
const int view_list_key_count = sizeof view_list_keys / sizeof *view_list_keys;

const struct view_key view_sort_keys[] = {
    {'>', '>', ">", "sort by the next column", "sort", do_sort_next},
    {'<', '<', "<", "sort by the column before", NULL, do_sort_previous},
    {'I', 'I', "I", "turn the order around", NULL, do_invert},
};
const int view_sort_key_count = sizeof view_sort_keys / sizeof *view_sort_keys;
