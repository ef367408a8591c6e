/* A view: a whole screen between the tabs and the line of keys. Adding one is one file and one row of views.def.
 * Thread: the screen's. */
#pragma once

#include "tui/app.h"
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/panes/pane.h"

struct view_key {
    int key, other;
    const char *words, *help; /* words: the keys as a person reads them */
    const char *hint;         /* short, for the line of keys; NULL: only in the help */
    void (*run)(struct app *app, void *state);
};

/* A view's list as it was drawn last; lent. */
struct view_list {
    struct list *list;
    struct filter *filter;
    struct sorting *sorting; /* NULL: its order is what it is */
    int columns;             /* to sort by */
    int count, rows;         /* that pass the filter; that are shown */
};

struct view {
    const char *name; /* on its tab */
    size_t state_bytes;
    void (*release)(void *state); /* of what the state owns; NULL: nothing */
    /* `state` is its own, zero at first. */
    void (*draw)(struct app *app, void *state, struct canvas *canvas, struct rect rect);
    /* About once a second, shown or not; true: its picture changed. NULL: nothing to do. */
    bool (*tick)(struct app *app, void *state);
    /* Sees each key first, for text that is typed; true: it was taken. NULL: none. */
    bool (*typed)(struct app *app, void *state, int key);
    /* Its list, for the keys that all lists have (view_list_keys, view_sort_keys); NULL: it has none. */
    struct view_list (*list)(void *state);
    /* Appends the text of a row of it, columns set apart by tabs. */
    void (*row)(const struct app *app, const void *state, int at, struct text *out);
    bool sorts; /* its list can be sorted */
    const struct view_key *keys;
    int key_count;
    bool has_charts; /* view_lens_keys work here */
};

#define VIEW_KEYS(table) .keys = (table), .key_count = (int)(sizeof(table) / sizeof *(table))

#define VIEW(name) extern const struct view view_##name;
#include "tui/views/views.def"
#undef VIEW

enum view_id {
#define VIEW(name) VIEW_##name,
#include "tui/views/views.def"
#undef VIEW
    VIEWS
};
const struct view *view_at(int id);

/* A view's state, made on first use. */
void *view_state(struct app *app, int id);

/* Keys of all lists, and of those that can be sorted. */
extern const struct view_key view_list_keys[], view_sort_keys[];
extern const int view_list_key_count, view_sort_key_count;

/* The tables of keys that work in a view, in order; returns how many keys are in the one `index`, 0 past the last. */
int view_keys(const struct view *view, int index, const struct view_key **keys);

/* Keys that move charts (zoom, pan, crosshair, axes); true: it was one. Their help is view_lens_keys. */
extern const struct view_key view_lens_keys[];
extern const int view_lens_key_count;

/* The steps that a run has points for; what is shown of them; what panes see. */
void view_steps(const struct app *app, int64_t *begin, int64_t *end);
struct scope view_scope(const struct app *app);

/* The step at a share (0 … 1) of the X axis of all charts. */
int64_t view_step_at(const struct app *app, double share);
struct scene view_scene(const struct app *app);
