/* The profiler: where the time goes, as a tree hook -> phase -> layer -> kernel that folds, sorts and narrows; the
 * verdict in words; what changed since a moment one chose; memory. Read from the run's documents. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/feed/document.h"
#include "tui/feed/profile_tree.h"
#include "tui/views/profiler_memory.h"
#include "tui/views/view.h"

#include "data/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNED_MAX = 256, NAME_LEAST = 22, OPEN_DEPTH = 2, CHANGE = 9, PATH_TEXT = 256 };

/* What is to be seen of a node, in the document's units. */
enum column { TOTAL, SELF, SHARE, CALLS, MEAN, P95, RATE, TRAFFIC, COLUMNS };

static const struct {
    const char *name;
    int width, rank; /* those of the highest rank go first where there is no room */
} columns[COLUMNS] = {
    [CALLS] = {"calls", 8, 3}, [TOTAL] = {"total s", 10, 1}, [SELF] = {"self s", 10, 2}, [MEAN] = {"mean ms", 10, 1},
    [P95] = {"p95 ms", 10, 4}, [SHARE] = {"share", 8, 0},    [RATE] = {"GFLOP/s", 9, 5}, [TRAFFIC] = {"GB/s", 8, 6}};

struct line {
    const char *name;        /* lent by the document */
    int parent, depth, size; /* size: lines of its subtree, itself included */
    bool is_kernel;
    uint64_t path; /* a hash of all names down to it */
    double value[COLUMNS];
};

struct profiler {
    struct document document;
    struct line *line; /* as in the document: each followed by its subtree */
    int lines;
    int *shown, count; /* lines in the order of the screen */
    struct list list;
    struct filter filter;
    int rows;
    struct sorting sorting; /* of siblings, by enum column */
    bool whole, on_memory;
    struct profiler_memory memory;
    uint64_t turned[TURNED_MAX]; /* paths that are folded or unfolded, against what is usual at their depth */
    int turns;
    struct line *base; /* what changes are told against; NULL: none */
    int bases;
};

/* ---- the document ---- */

static double item(const json_t *row, size_t i)
{
    return json_number_value(json_array_get(row, i));
}

/* Lines before it are complete. */
static struct line line_of(const struct line *all, const struct tree_row *row)
{
    uint64_t hash = row->parent >= 0 ? all[row->parent].path : 1469598103934665603u; /* FNV-1a */
    for (const char *c = row->name; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    const bool timed = row->total_s > 0;
    return (struct line){.name = row->name,
                         .parent = row->parent,
                         .depth = row->depth,
                         .size = 1,
                         .path = (hash ^ '/') * 1099511628211u,
                         .is_kernel = row->is_kernel,
                         .value = {[CALLS] = (double)row->calls,
                                   [TOTAL] = row->total_s,
                                   [SELF] = row->self_s,
                                   [MEAN] = row->mean_s * 1e3,
                                   [P95] = row->p95_s * 1e3,
                                   [SHARE] = 100 * row->share,
                                   [RATE] = timed ? row->flops / row->total_s * 1e-9 : 0,
                                   [TRAFFIC] = timed ? row->bytes / row->total_s * 1e-9 : 0}};
}

static void read_lines(struct profiler *self)
{
    struct tree_table table;
    profile_tree_read(&table, json_object_get(self->document.json, self->whole ? "whole" : "window"));
    free(self->line), free(self->shown);
    self->line = memory_new((size_t)table.rows + 1, sizeof *self->line);
    self->shown = memory_new((size_t)table.rows + 1, sizeof *self->shown);
    self->lines = table.rows;
    self->count = 0;
    for (int i = 0; i < table.rows; i++) self->line[i] = line_of(self->line, &table.row[i]);
    for (int i = self->lines - 1; i > 0; i--)
        if (self->line[i].parent >= 0) self->line[self->line[i].parent].size += self->line[i].size;
    tree_table_release(&table);
}

/* True: there is something newer. */
static bool look(struct app *app, struct profiler *self)
{
    if (self->on_memory) return profiler_memory_look(&self->memory, &app->feed);
    if (!app->feed.has_hello || !document_poll(&self->document, app->feed.hello.folder, "profile")) return false;
    read_lines(self);
    return true;
}

static bool tick(struct app *app, void *state)
{
    return app->view == VIEW_profiler && look(app, state);
}

static void release(void *state)
{
    struct profiler *self = state;
    document_release(&self->document);
    profiler_memory_release(&self->memory);
    free(self->line), free(self->shown), free(self->base);
}

/* ---- order ---- */

static int compare(const void *a, const void *b, void *context)
{
    const struct profiler *self = context;
    const int i = *(const int *)a, k = *(const int *)b;
    const double x = self->line[i].value[self->sorting.column], y = self->line[k].value[self->sorting.column];
    const int order = x > y ? -1 : x < y ? 1 : i - k;
    return self->sorting.inverted ? -order : order;
}

static int find_turn(const struct profiler *self, uint64_t path)
{
    int i = 0;
    while (i < self->turns && self->turned[i] != path) i++;
    return i;
}

static bool is_open(const struct profiler *self, const struct line *line)
{
    return (line->depth < OPEN_DEPTH) != (find_turn(self, line->path) < self->turns);
}

/* Lines first … last - 1 are whole subtrees; shows their tops in order, each followed by what it is open to. */
static void show(struct profiler *self, int first, int last)
{
    int tops = 0, *top = memory_new((size_t)(last - first) + 1, sizeof *top);
    for (int i = first; i < last; i += self->line[i].size) top[tops++] = i;
    qsort_r(top, (size_t)tops, sizeof *top, compare, self);
    for (int k = 0; k < tops; k++) {
        const int i = top[k];
        self->shown[self->count++] = i;
        if (is_open(self, &self->line[i])) show(self, i + 1, i + self->line[i].size);
    }
    free(top);
}

/* A node's name with those above it, from the phase on: "backward features.2.0 conv2d". */
static void name_path(const struct profiler *self, int i, char text[PATH_TEXT])
{
    const struct line *line = &self->line[i];
    text[0] = 0;
    if (line->depth > OPEN_DEPTH) name_path(self, line->parent, text);
    const size_t used = strlen(text);
    snprintf(text + used, PATH_TEXT - used, "%s%s", used ? " " : "", line->name);
}

static void arrange(struct profiler *self)
{
    self->count = 0;
    if (!self->filter.text[0]) {
        show(self, 0, self->lines);
        return;
    }
    for (int i = 0; i < self->lines; i++) {
        char path[PATH_TEXT];
        name_path(self, i, path);
        if (filter_passes(&self->filter, path)) self->shown[self->count++] = i;
    }
    qsort_r(self->shown, (size_t)self->count, sizeof *self->shown, compare, self);
}

/* ---- picture ---- */

/* Which columns fit beside a name, that of the order among the first. Returns their width. */
static int choose_columns(bool chosen[COLUMNS], int width, int sort)
{
    int used = 0;
    for (int i = 0; i < COLUMNS; i++) chosen[i] = false;
    for (int rank = 0; rank < COLUMNS; rank++)
        for (int i = 0; i < COLUMNS; i++) {
            if (columns[i].rank != rank && !(rank == 0 && i == sort)) continue;
            if (chosen[i] || used + columns[i].width + NAME_LEAST > width) continue;
            chosen[i] = true;
            used += columns[i].width;
        }
    return used;
}

static const struct line *base_of(const struct profiler *self, uint64_t path)
{
    for (int i = 0; i < self->bases; i++)
        if (self->base[i].path == path) return &self->base[i];
    return NULL;
}

static void draw_value(struct canvas *canvas, int x, int y, enum column column, const struct line *line)
{
    static const int digits[COLUMNS] = {
        [TOTAL] = 3, [SELF] = 3, [MEAN] = 3, [P95] = 3, [SHARE] = 1, [RATE] = 1, [TRAFFIC] = 1};
    const double value = line->value[column];
    if ((column == RATE || column == TRAFFIC || column == P95) && !(value > 0)) return; /* not known */
    canvas_text(canvas, x, y, columns[column].width, column == SHARE && value >= 10 ? SLOT_TITLE : SLOT_VALUE, "%*.*f",
                columns[column].width - 1, digits[column], value);
}

/* How the mean of a node changed since the base was taken. */
static void draw_change(const struct profiler *self, struct canvas *canvas, int x, int y, const struct line *line)
{
    const struct line *base = base_of(self, line->path);
    if (!base || !(base->value[MEAN] > 0)) {
        canvas_text(canvas, x, y, CHANGE, SLOT_DIM, "%*s", CHANGE - 1, "new");
        return;
    }
    const double change = 100 * (line->value[MEAN] / base->value[MEAN] - 1);
    const enum theme_slot slot = change > 5 ? SLOT_BAD : change < -5 ? SLOT_GOOD : SLOT_DIM;
    canvas_text(canvas, x, y, CHANGE, slot, "%+*.1f%%", CHANGE - 2, change);
}

static void draw_line(const struct profiler *self, struct canvas *canvas, struct rect row, int at,
                      const bool chosen[COLUMNS], int used)
{
    const struct line *line = &self->line[self->shown[at]];
    const int name = row.width - used;
    const enum theme_slot slot = line->is_kernel ? SLOT_TEXT : SLOT_TITLE;
    int x = row.x + name;
    if (self->filter.text[0]) {
        char path[PATH_TEXT];
        name_path(self, self->shown[at], path);
        const int length = (int)strlen(path), skip = length > name - 1 ? length - name + 2 : 0; /* the end tells more */
        canvas_text(canvas, row.x, row.y, name - 1, slot, "%s%s", skip ? "~" : "", path + skip);
    } else {
        canvas_text(canvas, row.x, row.y, name - 1, slot, "%*s%s %s", 2 * line->depth, "",
                    line->size == 1       ? " "
                    : is_open(self, line) ? "-"
                                          : "+",
                    line->name);
    }
    for (int i = 0; i < COLUMNS; i++) {
        if (!chosen[i]) continue;
        draw_value(canvas, x, row.y, (enum column)i, line);
        x += columns[i].width;
    }
    if (self->base) draw_change(self, canvas, x, row.y, line);
}

/* The verdict, on two rows where it needs them. */
static void draw_verdict(const struct profiler *self, struct canvas *canvas, struct rect *rect)
{
    const char *text = json_string_value(json_object_get(self->document.json, "verdict"));
    const bool good = json_is_true(json_object_get(self->document.json, "good"));
    for (int line = 0; text && *text && line < 2 && rect->height > 4; line++) {
        const struct rect row = rect_take(rect, 1);
        int cut = (int)strlen(text);
        if (line == 0 && cut > row.width)
            for (cut = row.width; cut > 1 && text[cut] != ' ';) cut--;
        canvas_text(canvas, row.x, row.y, row.width, good ? SLOT_GOOD : SLOT_WARNING, "%.*s", cut, text);
        text += cut;
        while (*text == ' ') text++;
    }
}

static void draw_head(const struct profiler *self, struct canvas *canvas, struct rect row)
{
    const double seconds = json_number_value(json_object_get(self->document.json, self->whole ? "run_s" : "window_s"));
    int x = row.x +
            canvas_text(canvas, row.x, row.y, row.width, SLOT_TITLE, "%s, %.0f s",
                        self->whole ? "since the start" : "the newest steps", seconds) +
            2;
    x += canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_DIM, "by %s%s%s", columns[self->sorting.column].name,
                     self->sorting.inverted ? ", least first" : "", self->base ? ", change of the mean since d" : "") +
         2;
    filter_draw(&self->filter, canvas, x, row.y, row.x + row.width - x);
}

static void draw_titles(struct profiler *self, struct canvas *canvas, struct rect row, const bool chosen[COLUMNS],
                        int used)
{
    int x = row.x + row.width - used;
    for (int i = 0; i < COLUMNS; i++) {
        if (!chosen[i]) continue;
        char title[16];
        snprintf(title, sizeof title, "%*s", columns[i].width - 1, columns[i].name);
        sorting_title(&self->sorting, canvas, (struct rect){x, row.y, columns[i].width, 1}, i, title);
        x += columns[i].width;
    }
    if (self->base) canvas_text(canvas, x, row.y, CHANGE, SLOT_DIM, "%*s", CHANGE - 1, "change");
}

/* The slowest steps and why, below. */
static void draw_slowest(const struct profiler *self, struct canvas *canvas, struct rect rect)
{
    const json_t *slowest = json_object_get(self->document.json, "slowest");
    canvas_rule(canvas, rect_take(&rect, 1), "slowest steps");
    for (int i = 0; i < rect.height && i < (int)json_array_size(slowest); i++) {
        const json_t *step = json_array_get(slowest, (size_t)i);
        const char *why = json_string_value(json_array_get(step, 2));
        canvas_text(canvas, rect.x + 2, rect.y + i, rect.width - 2, SLOT_TEXT, "step %.0f  %.1f ms  %s", item(step, 0),
                    item(step, 1), why ? why : "");
    }
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct profiler *self = state;
    bool chosen[COLUMNS];
    look(app, self);
    if (self->on_memory) {
        profiler_memory_draw(&self->memory, canvas, rect);
        return;
    }
    if (self->lines == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    "no times yet: they come with the first seconds of training");
        return;
    }
    draw_verdict(self, canvas, &rect);
    draw_head(self, canvas, rect_take(&rect, 1));
    const int slowest = rect.height >= 20 ? 5 : 0, change = self->base ? CHANGE : 0;
    const int used = choose_columns(chosen, rect.width - 2 - change, self->sorting.column) + change;
    if (slowest) draw_slowest(self, canvas, (struct rect){rect.x, rect.y + rect.height - slowest, rect.width, slowest});
    rect.height -= slowest;
    draw_titles(self, canvas, rect_take(&rect, 1), chosen, used);
    arrange(self);
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        draw_line(self, canvas, (struct rect){rect.x + 2, rect.y + i, rect.width - 2, 1}, at, chosen, used);
    }
}

/* ---- keys ---- */

static struct view_list list(void *state)
{
    struct profiler *self = state;
    return (struct view_list){.list = &self->list,
                              .filter = &self->filter,
                              .sorting = &self->sorting,
                              .columns = COLUMNS,
                              .count = self->count,
                              .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct profiler *self = state;
    char path[PATH_TEXT];
    (void)app;
    name_path(self, self->shown[at], path);
    text_add(out, "%s", path);
    for (int i = 0; i < COLUMNS; i++) text_add(out, "\t%.9g", self->line[self->shown[at]].value[i]);
}

static void do_fold(struct app *app, void *state)
{
    struct profiler *self = state;
    (void)app;
    if (self->list.chosen >= self->count) return;
    const uint64_t path = self->line[self->shown[self->list.chosen]].path;
    const int i = find_turn(self, path);
    if (i < self->turns)
        self->turned[i] = self->turned[--self->turns];
    else if (self->turns < TURNED_MAX)
        self->turned[self->turns++] = path;
}

static void do_whole(struct app *app, void *state)
{
    struct profiler *self = state;
    (void)app;
    self->whole = !self->whole;
    read_lines(self);
}

static void do_memory(struct app *app, void *state)
{
    struct profiler *self = state;
    (void)app;
    self->on_memory = !self->on_memory;
}

static void do_base(struct app *app, void *state)
{
    struct profiler *self = state;
    (void)app;
    if (self->base) {
        free(self->base);
        self->base = NULL;
        self->bases = 0;
        return;
    }
    self->base = memory_new((size_t)self->lines + 1, sizeof *self->base);
    for (self->bases = 0; self->bases < self->lines; self->bases++) self->base[self->bases] = self->line[self->bases];
}

static void do_export(struct app *app, void *state)
{
    (void)state;
    app_ask(app, COMMAND_PROFILE, NULL);
}

static const struct view_key keys[] = {
    {'\n', '\n', "Enter", "fold or unfold", "fold", do_fold},
    {'w', 'w', "w", "the newest steps, or all since the start", "window", do_whole},
    {'d', 'd', "d", "from now on show what changes, or no longer", "changes", do_base},
    {'m', 'm', "m", "memory over a step, or the times again", "memory", do_memory},
    {'t', 't', "t", "write profile.txt and trace.json to the run's folder", "write", do_export},
};

const struct view view_profiler = {.name = "profiler",
                                   .state_bytes = sizeof(struct profiler),
                                   .release = release,
                                   .draw = draw,
                                   .tick = tick,
                                   .list = list,
                                   .row = row,
                                   .sorts = true,
                                   VIEW_KEYS(keys)};
