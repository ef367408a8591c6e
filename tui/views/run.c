/* What this run is: where it lies, what it trains, its checkpoints, its configuration. */
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/feed/document.h"
#include "tui/views/view.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/checkpoint/protected.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { CONFIG_MAX = 1 << 20, LOOK_EVERY_S = 2 };

struct line {
    char *text;
    enum theme_slot slot;
    char *checkpoint; /* the file that it is about, or NULL */
    bool is_protected;
    int run; /* which of those that are compared it is about; -1: none */
};

struct run_view {
    struct list list;
    struct filter filter;
    struct line *line;
    size_t count, capacity;
    int *passing;
    int passes, rows;
    int64_t looked_ns; /* when the folder was read last */
    struct document layers, branch, settings;
};

/* ---- the lines ---- */

static void clear(struct run_view *self)
{
    for (size_t i = 0; i < self->count; i++) free(self->line[i].text), free(self->line[i].checkpoint);
    self->count = 0;
}

static void release(void *state)
{
    struct run_view *self = state;
    clear(self);
    document_release(&self->layers);
    document_release(&self->branch);
    document_release(&self->settings);
    free(self->line);
    free(self->passing);
}

static void add(struct run_view *self, enum theme_slot slot, const char *text)
{
    self->line = memory_grow(self->line, self->count, &self->capacity, sizeof *self->line);
    self->line[self->count++] = (struct line){.text = memory_text(text), .slot = slot, .run = -1};
}

static void add_fact(struct run_view *self, const char *name, const char *value)
{
    char text[512];
    snprintf(text, sizeof text, "  %-12s %s", name, value);
    add(self, SLOT_TEXT, text);
}

/* What is compared; marks choose from it. */
static void add_runs(struct run_view *self, const struct app *app)
{
    char text[512];
    if (app->others == 0) return;
    add(self, SLOT_TITLE, "compared (Space marks a run; charts show the marked ones)");
    for (size_t i = 0; i <= app->others; i++) {
        const struct feed *feed = i == 0 ? &app->feed : &app->other[i - 1];
        const struct run_status *s = &feed->status;
        snprintf(text, sizeof text, "%s %-32.200s %-9s step %8" PRId64 "  best %.60s %.4g",
                 marks_has_run(&app->marks, i) ? "*" : " ", feed->has_hello ? feed->hello.name : "?",
                 run_state_name(s->state), s->step, s->monitor, s->best);
        add(self, marks_show_run(&app->marks, i) ? SLOT_TEXT : SLOT_DIM, text);
        self->line[self->count - 1].run = (int)i;
    }
    add(self, SLOT_TEXT, "");
}

static void add_facts(struct run_view *self, const struct feed *feed)
{
    const struct feed_hello *hello = &feed->hello;
    char process[320];
    if (hello->pid > 0)
        snprintf(process, sizeof process, "%" PRId64 " on %.255s", hello->pid, hello->host);
    else /* a log does not tell */
        snprintf(process, sizeof process, "on %.255s", hello->host);
    add(self, SLOT_TITLE, "run");
    add_fact(self, "name", hello->name);
    add_fact(self, "folder", hello->folder);
    add_fact(self, "model", hello->model);
    add_fact(self, "device", hello->device);
    add_fact(self, "precision", hello->precision);
    add_fact(self, "process", process);
    add(self, SLOT_TEXT, "");
}

/* Where a branch comes from, and what it changed. */
static void add_branch(struct run_view *self, const struct feed *feed)
{
    (void)document_poll(&self->branch, feed->hello.folder, "branch");
    const json_t *branch = self->branch.json;
    const char *checkpoint = json_string_value(json_object_get(branch, "checkpoint"));
    char text[512];
    size_t i;
    json_t *change;
    if (!checkpoint) return;
    snprintf(text, sizeof text, "a branch, from step %" JSON_INTEGER_FORMAT " of",
             json_integer_value(json_object_get(branch, "step")));
    add(self, SLOT_TITLE, text);
    add_fact(self, "checkpoint", checkpoint);
    json_array_foreach(json_object_get(branch, "changed"), i, change)
    {
        const char *key = json_string_value(json_object_get(change, "key")),
                   *before = json_string_value(json_object_get(change, "before")),
                   *now = json_string_value(json_object_get(change, "now"));
        snprintf(text, sizeof text, "  %-28s %.180s -> %.180s", key ? key : "?", before ? before : "?",
                 now ? now : "?");
        add(self, SLOT_VALUE, text);
    }
    add(self, SLOT_TEXT, "");
}

/* What was set while the run goes on, besides the learning rate. */
static void add_settings(struct run_view *self, const struct feed *feed)
{
    (void)document_poll(&self->settings, feed->hello.folder, "settings");
    size_t i;
    json_t *row;
    bool any = false;
    json_array_foreach(json_object_get(self->settings.json, "settings"), i, row)
    {
        const char *key = json_string_value(json_object_get(row, "key")),
                   *value = json_string_value(json_object_get(row, "value"));
        char text[160];
        if (!json_is_true(json_object_get(row, "set")) || !key || !value) continue;
        if (!any) add(self, SLOT_TITLE, "set while it goes on (the configuration below is as it was)");
        any = true;
        snprintf(text, sizeof text, "  %-28.28s %.60s", key, value);
        add(self, SLOT_VALUE, text);
    }
    if (any) add(self, SLOT_TEXT, "");
}

struct file {
    char name[256];
    int64_t bytes;
    double written;
};

static int newest_first(const void *a, const void *b)
{
    const double x = ((const struct file *)a)->written, y = ((const struct file *)b)->written;
    return x < y ? 1 : x > y ? -1 : 0;
}

static size_t list_files(struct file **files, const char *folder)
{
    size_t count = 0, capacity = 0;
    DIR *dir = opendir(folder);
    *files = NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *path = path_join(folder, entry->d_name);
        struct stat info;
        const size_t length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".ckpt") == 0 && stat(path, &info) == 0) {
            *files = memory_grow(*files, count, &capacity, sizeof **files);
            struct file *file = &(*files)[count++];
            snprintf(file->name, sizeof file->name, "%s", entry->d_name);
            file->bytes = info.st_size;
            file->written = (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec * 1e-9;
        }
        free(path);
    }
    if (dir) closedir(dir);
    if (count) qsort(*files, count, sizeof **files, newest_first);
    return count;
}

static void add_checkpoints(struct run_view *self, const struct feed *feed)
{
    char *folder = path_join(feed->hello.folder, "checkpoints");
    struct file *files;
    const size_t count = list_files(&files, folder);
    add(self, SLOT_TITLE, count ? "checkpoints (the newest first)" : "checkpoints: none yet; c writes one");
    for (size_t i = 0; i < count; i++) {
        char text[400], when[32];
        const time_t seconds = (time_t)files[i].written;
        struct tm day;
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &day));
        char *path = path_join(folder, files[i].name);
        const bool is_protected = protected_has(path);
        free(path);
        snprintf(text, sizeof text, "  %s  %8.1f MB  %s%s", when, (double)files[i].bytes * 1e-6, files[i].name,
                 is_protected ? "  (protected)" : "");
        add(self, SLOT_VALUE, text);
        self->line[self->count - 1].checkpoint = memory_text(files[i].name);
        self->line[self->count - 1].is_protected = is_protected;
    }
    add(self, SLOT_TEXT, "");
    free(files);
    free(folder);
}

/* The columns that a text of every layer needs, within bounds. */
static int column_width(const json_t *layers, const char *key, int least, int most)
{
    size_t i;
    json_t *layer;
    int width = least;
    json_array_foreach(layers, i, layer)
    {
        const size_t length = json_string_length(json_object_get(layer, key));
        if (length > (size_t)width) width = length < (size_t)most ? (int)length : most;
    }
    return width;
}

static void add_layers(struct run_view *self, const struct feed *feed)
{
    if (!document_poll(&self->layers, feed->hello.folder, "layers") && !self->layers.json) return;
    const json_t *all = self->layers.json, *layers = json_object_get(all, "layers");
    char text[512];
    size_t i;
    json_t *layer;
    snprintf(text, sizeof text, "model: %.3f M parameters, %.1f M MACs a picture, an arena of %.1f MB",
             (double)json_integer_value(json_object_get(all, "parameters")) * 1e-6,
             (double)json_integer_value(json_object_get(all, "macs")) * 1e-6,
             (double)json_integer_value(json_object_get(all, "arena_bytes")) * 1e-6);
    add(self, SLOT_TITLE, text);
    const int names = column_width(layers, "name", 5, 39), ops = column_width(layers, "op", 2, 19),
              shapes = column_width(layers, "shape", 6, 18);
    snprintf(text, sizeof text, "  %-*s %-*s %-*s parameters   M MACs", names, "layer", ops, "op", shapes, "output");
    add(self, SLOT_DIM, text);
    json_array_foreach(layers, i, layer)
    {
        const char *name = json_string_value(json_object_get(layer, "name")),
                   *op = json_string_value(json_object_get(layer, "op")),
                   *shape = json_string_value(json_object_get(layer, "shape"));
        snprintf(text, sizeof text, "  %-*.39s %-*.19s %-*.18s %10" JSON_INTEGER_FORMAT " %8.2f", names,
                 name ? name : "?", ops, op ? op : "?", shapes, shape ? shape : "?",
                 json_integer_value(json_object_get(layer, "parameters")),
                 (double)json_integer_value(json_object_get(layer, "macs")) * 1e-6);
        add(self, SLOT_TEXT, text);
    }
    add(self, SLOT_TEXT, "");
}

static void add_config(struct run_view *self, const struct feed *feed)
{
    char *path = path_join(feed->hello.folder, "config.yaml"), *bytes = NULL, *rest = NULL;
    size_t length;
    if (path_read(&bytes, &length, path, CONFIG_MAX) != LT_OK) {
        add(self, SLOT_WARNING, lt_message());
    } else {
        add(self, SLOT_TITLE, "configuration (config.yaml)");
        for (char *line = strtok_r(bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            char text[512];
            snprintf(text, sizeof text, "  %s", line);
            add(self, line[0] == ' ' ? SLOT_TEXT : SLOT_VALUE, text);
        }
    }
    free(bytes);
    free(path);
}

/* Reads the folder again when it was read a while ago. */
static void look(struct run_view *self, const struct app *app)
{
    const struct feed *feed = &app->feed;
    const int64_t now = clock_ns();
    if (!feed->has_hello || (self->count && now - self->looked_ns < LOOK_EVERY_S * (int64_t)1000000000)) return;
    self->looked_ns = now;
    clear(self);
    add_runs(self, app);
    add_facts(self, feed);
    add_branch(self, feed);
    add_settings(self, feed);
    add_checkpoints(self, feed);
    add_layers(self, feed);
    add_config(self, feed);
    free(self->passing);
    self->passing = memory_new(self->count, sizeof *self->passing);
}

/* ---- the view ---- */

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct run_view *self = state;
    look(self, app);
    self->passes = 0;
    for (size_t i = 0; i < self->count; i++)
        if (filter_passes(&self->filter, self->line[i].text)) self->passing[self->passes++] = (int)i;
    if (self->filter.open || self->filter.text[0]) {
        const struct rect row = rect_take(&rect, 1);
        filter_draw(&self->filter, canvas, row.x, row.y, row.width);
    }
    self->rows = rect.height;
    list_settle(&self->list, self->passes, rect.height, false);
    for (int i = 0; i < rect.height && self->list.top + i < self->passes; i++) {
        const int at = self->list.top + i;
        const struct line *line = &self->line[self->passing[at]];
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        canvas_text(canvas, rect.x + 2, rect.y + i, rect.width - 2, line->slot, "%s", line->text);
    }
}

static struct view_list list(void *state)
{
    struct run_view *self = state;
    return (struct view_list){.list = &self->list, .filter = &self->filter, .count = self->passes, .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct run_view *self = state;
    (void)app;
    text_add(out, "%s", self->line[self->passing[at]].text);
}

/* The folder is to be read again: files come and go, also while the run stands still. */
static bool tick(struct app *app, void *state)
{
    const struct run_view *self = state;
    return app->view == VIEW_run && clock_ns() - self->looked_ns >= LOOK_EVERY_S * (int64_t)1000000000;
}

/* The run never deletes the chosen checkpoint, or may again. */
static void do_protect(struct app *app, void *state)
{
    struct run_view *self = state;
    if (self->passes == 0) return;
    const struct line *line = &self->line[self->passing[self->list.chosen]];
    if (!line->checkpoint)
        snprintf(app->note, sizeof app->note, "choose a checkpoint: d protects it from being deleted");
    else
        app_ask(app, line->is_protected ? COMMAND_UNPROTECT : COMMAND_PROTECT, line->checkpoint);
    self->looked_ns = 0;
}

static void do_branch(struct app *app, void *state)
{
    struct run_view *self = state;
    const struct line *line = self->passes ? &self->line[self->passing[self->list.chosen]] : NULL;
    if (!line || !line->checkpoint) {
        snprintf(app->note, sizeof app->note, "choose a checkpoint: b starts a new run from it, with settings changed");
    } else if (app->read_only) {
        snprintf(app->note, sizeof app->note, "not branched: this screen only looks");
    } else {
        struct text path = {0};
        text_add(&path, "%s/checkpoints/%s", app->feed.hello.folder, line->checkpoint);
        prompt_branch(app, text_get(&path));
        text_release(&path);
    }
}

/* Charts compare the marked runs. */
static void do_mark(struct app *app, void *state)
{
    struct run_view *self = state;
    const int run = self->passes ? self->line[self->passing[self->list.chosen]].run : -1;
    if (run >= 0)
        marks_turn_run(&app->marks, (size_t)run);
    else
        snprintf(app->note, sizeof app->note, "%s",
                 app->others ? "choose a run above: Space marks it" : "one run only; lathe view RUN RUN compares two");
    self->looked_ns = 0;
}

static const struct view_key keys[] = {
    {'b', 'b', "b", "a new run from the chosen checkpoint", "branch", do_branch},
    {' ', ' ', "Space", "mark a run: charts compare the marked ones", NULL, do_mark},
    {'d', 'd', "d", "keep the chosen checkpoint for good, or no longer", "protect", do_protect},
};

const struct view view_run = {.name = "run",
                              .state_bytes = sizeof(struct run_view),
                              .release = release,
                              .draw = draw,
                              .tick = tick,
                              .list = list,
                              .row = row,
                              VIEW_KEYS(keys)};
