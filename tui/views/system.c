/* What the run's machine and its process used, the last ten minutes of it: as the run measured it, so that it is right
 * from elsewhere and of a run that is over. */
#include "profiler/probes/gpu.h"
#include "tui/feed/document.h"
#include "tui/views/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { KEEP_S = 600, NAME = 64 };

struct system_view {
    struct document machine;
};

static void release(void *state)
{
    document_release(&((struct system_view *)state)->machine);
}

static const struct series *find(const struct app *app, const char *name)
{
    char metric[NAME];
    snprintf(metric, sizeof metric, "system/%.48s", name);
    return feed_series(&app->feed, metric);
}

static double newest(const struct app *app, const char *name)
{
    const struct series *series = find(app, name);
    return series && series->count ? series->point[series->count - 1].value : (double)NAN;
}

/* ---- words ---- */

static void draw_machine(const struct app *app, const struct system_view *self, struct canvas *canvas, struct rect row)
{
    const json_t *facts = self->machine.json;
    const char *host = app->feed.hello.host;
    int x = row.x;
    if (host && host[0]) x += canvas_text(canvas, x, row.y, row.width, SLOT_TITLE, "%s: ", host);
    x += canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_TEXT,
                     "%" PRId64 " cores, load %.2f, memory %.1f of %.1f GB;  ",
                     (int64_t)json_integer_value(json_object_get(facts, "cores")), newest(app, "load"),
                     newest(app, "memory"), json_number_value(json_object_get(facts, "memory")) * 1e-9);
    canvas_text(canvas, x, row.y, row.x + row.width - x, SLOT_TEXT, "run: %.0f threads, %.2f GB",
                newest(app, "threads"), newest(app, "memory_run"));
}

static int gpus_of(const struct app *app)
{
    char name[NAME];
    for (int i = 0; i < GPUS_MAX; i++) {
        snprintf(name, sizeof name, "gpu%d_use", i);
        if (!find(app, name)) return i;
    }
    return GPUS_MAX;
}

static void draw_gpu(const struct app *app, const struct system_view *self, struct canvas *canvas, struct rect row,
                     int index)
{
    const json_t *fact = json_array_get(json_object_get(self->machine.json, "gpus"), (size_t)index);
    const char *name = json_string_value(json_object_get(fact, "name"));
    static const char *const column[] = {"use", "memory", "power", "temperature"};
    double value[4];
    for (int i = 0; i < 4; i++) {
        char metric[NAME];
        snprintf(metric, sizeof metric, "gpu%d_%s", index, column[i]);
        value[i] = newest(app, metric);
    }
    canvas_text(canvas, row.x, row.y, row.width, SLOT_TEXT,
                "GPU %d %s: %.0f %%, memory %.1f of %.1f GB, %.0f W, %.0f degrees C", index, name ? name : "", value[0],
                value[1], json_number_value(json_object_get(fact, "memory")) * 1e-9, value[2], value[3]);
}

/* ---- charts ---- */

struct panel {
    const char *title;
    const char *column[2], *label[2];
};

static void draw_panel(const struct app *app, struct canvas *canvas, struct rect rect, const struct panel *panel,
                       const struct scope *scope)
{
    struct chart chart = {.title = panel->title, .scope = scope};
    static const enum theme_slot slots[] = {SLOT_TRAIN, SLOT_VALIDATION};
    for (int i = 0; i < 2 && panel->column[i]; i++)
        chart.line[i] = (struct chart_line){
            .series = find(app, panel->column[i]), .label = panel->label[i], .slot = slots[i], .band = slots[i]};
    chart_draw(canvas, rect, &chart);
}

/* Of all GPUs, as many as a chart has lines. */
static void draw_gpu_panel(const struct app *app, struct canvas *canvas, struct rect rect, int gpus,
                           const struct scope *scope)
{
    static const enum theme_slot slots[CHART_LINES] = {SLOT_TRAIN,      SLOT_VALIDATION,     SLOT_RATE,
                                                       SLOT_GRADIENT,   SLOT_PHASE_FORWARD,  SLOT_PHASE_BACKWARD,
                                                       SLOT_PHASE_DATA, SLOT_PHASE_OPTIMIZER};
    struct chart chart = {.title = "GPUs, %", .scope = scope};
    for (int i = 0; i < gpus && i < CHART_LINES; i++) {
        char column[NAME];
        snprintf(column, sizeof column, "gpu%d_use", i);
        chart.line[i] = (struct chart_line){
            .series = find(app, column), .label = "", .slot = slots[i], .band = slots[i], .letter = (char)('0' + i)};
    }
    chart_draw(canvas, rect, &chart);
}

static void draw_charts(const struct app *app, struct canvas *canvas, struct rect rect, const struct series *time,
                        int gpus)
{
    static const struct panel panels[] = {
        {"CPU, % of a core", {"cpu", "cpu_run"}, {"machine", "run"}},
        {"memory, GB", {"memory", "memory_run"}, {"machine", "run"}},
        {"disks, MB/s", {"disk_read", "disk_written"}, {"read", "written"}},
    };
    static const struct lens lens = {.raw = true, .axis = LENS_RELATIVE};
    const double begin = time->point[0].wall, end = time->point[time->count - 1].wall;
    const struct scope scope = {.lens = &lens,
                                .last = time->point[time->count - 1].step,
                                .wall_begin = begin,
                                .wall_first = end - begin > KEEP_S ? end - KEEP_S : begin,
                                .wall_last = end > begin ? end : begin + 1};
    const int charts = 3 + (gpus > 0);
    for (int i = 0; i < charts; i++) {
        const int top = rect.height * i / charts, bottom = rect.height * (i + 1) / charts;
        const struct rect part = {rect.x, rect.y + top, rect.width, bottom - top};
        if (i < 3)
            draw_panel(app, canvas, part, &panels[i], &scope);
        else
            draw_gpu_panel(app, canvas, part, gpus, &scope);
    }
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct system_view *self = state;
    const struct series *time = find(app, "cpu");
    if (app->feed.has_hello) document_poll(&self->machine, app->feed.hello.folder, "machine");
    if (!time || time->count == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    app->feed.hello.stored ? "this run's log does not say what its machine did"
                                           : "nothing yet: it comes with the first seconds of the run");
        return;
    }
    const int gpus = gpus_of(app);
    draw_machine(app, self, canvas, rect_take(&rect, 1));
    for (int i = 0; i < gpus; i++) draw_gpu(app, self, canvas, rect_take(&rect, 1), i);
    draw_charts(app, canvas, rect, time, gpus);
}

const struct view view_system = {
    .name = "system", .state_bytes = sizeof(struct system_view), .release = release, .draw = draw};
