/* What the machine and the run's process use: the last ten minutes, a sample a second while the screen is open. */
#include "profiler/probes/machine.h"
#include "tui/views/view.h"

#include "data/base/clock.h"

#include <stdio.h>

enum { KEEP_S = 600 };

enum what { CPU_ALL, CPU_RUN, MEMORY_ALL, MEMORY_RUN, DISK_READ, DISK_WRITTEN, WHATS };

struct system_view {
    struct machine_sample before, now;
    bool any;
    int64_t seconds;
    struct series series[WHATS];
};

static void release(void *state)
{
    struct system_view *self = state;
    for (int i = 0; i < WHATS; i++) series_release(&self->series[i]);
}

static void add(struct system_view *self, enum what what, double value)
{
    series_add(&self->series[what], (struct wire_point){self->seconds, self->now.wall, value});
}

static bool tick(struct app *app, void *state)
{
    struct system_view *self = state;
    const double mb = 1e-6, gb = 1e-9;
    self->before = self->now;
    machine_sample(&self->now, app->feed.hello.pid);
    if (!self->any) return self->any = true, false;
    const struct machine_sample *a = &self->before, *b = &self->now;
    const double wall = b->wall - a->wall, all = b->all_s - a->all_s;
    if (!(wall > 0) || !(all > 0)) return false;
    self->seconds++;
    add(self, CPU_ALL, 100 * (b->busy_s - a->busy_s) / all * b->cores);
    add(self, MEMORY_ALL, (double)b->memory_used * gb);
    add(self, DISK_READ, (double)(b->disk_read - a->disk_read) / wall * mb);
    add(self, DISK_WRITTEN, (double)(b->disk_written - a->disk_written) / wall * mb);
    if (!b->has_process || !a->has_process) return true;
    add(self, CPU_RUN, 100 * (b->process_s - a->process_s) / wall);
    add(self, MEMORY_RUN, (double)b->process_memory * gb);
    return true;
}

static void draw_one(const struct system_view *self, struct canvas *canvas, struct rect rect, const char *title,
                     const int lines[2])
{
    static const char *const labels[WHATS] = {[CPU_ALL] = "machine", [CPU_RUN] = "run",    [MEMORY_ALL] = "machine",
                                              [MEMORY_RUN] = "run",  [DISK_READ] = "read", [DISK_WRITTEN] = "written"};
    static const struct lens lens = {.raw = true};
    const int64_t first = self->seconds > KEEP_S ? self->seconds - KEEP_S : 1;
    const struct scope scope = {
        .lens = &lens, .first = first, .last = self->seconds > first ? self->seconds : first + 1};
    const struct chart chart = {
        .title = title,
        .line = {{.series = &self->series[lines[0]], .label = labels[lines[0]], .slot = SLOT_TRAIN, .band = SLOT_TRAIN},
                 {.series = &self->series[lines[1]],
                  .label = labels[lines[1]],
                  .slot = SLOT_VALIDATION,
                  .band = SLOT_VALIDATION}},
        .scope = &scope};
    chart_draw(canvas, rect, &chart);
}

static void draw_facts(const struct system_view *self, struct canvas *canvas, struct rect row)
{
    const struct machine_sample *now = &self->now;
    char run[96] = "the run's process cannot be seen from here";
    if (now->has_process)
        snprintf(run, sizeof run, "run: %d threads, %.2f GB", now->threads, (double)now->process_memory * 1e-9);
    canvas_text(canvas, row.x, row.y, row.width, SLOT_TEXT, "%d cores, load %.2f, memory %.1f of %.1f GB;  %s",
                now->cores, now->load, (double)now->memory_used * 1e-9, (double)now->memory_total * 1e-9, run);
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    static const struct {
        const char *title;
        int lines[2];
    } charts[] = {{"CPU, % of a core", {CPU_ALL, CPU_RUN}},
                  {"memory, GB", {MEMORY_ALL, MEMORY_RUN}},
                  {"disks, MB/s", {DISK_READ, DISK_WRITTEN}}};
    enum { CHARTS = sizeof charts / sizeof *charts };
    const struct system_view *self = state;
    (void)app;
    draw_facts(self, canvas, rect_take(&rect, 1));
    for (int i = 0; i < CHARTS; i++) {
        const int top = rect.height * i / CHARTS, end = rect.height * (i + 1) / CHARTS;
        draw_one(self, canvas, (struct rect){rect.x, rect.y + top, rect.width, end - top}, charts[i].title,
                 charts[i].lines);
    }
}

const struct view view_system = {
    .name = "system", .state_bytes = sizeof(struct system_view), .release = release, .draw = draw, .tick = tick};
