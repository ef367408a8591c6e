/* What a fit will need, before it starts: the plan is compiled dry, so memory is known to the byte where the plan
 * decides and estimated where libraries and the operating system do. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/trainer/ceilings.h"
#include "engine/trainer/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* ---- memory ---- */

enum { RING = 4 }; /* batches that a loader decodes ahead */

/* The two loaders' rings; and what each worker holds of one picture: file, decoded part, two buffers of
 * about the final size. */
static int64_t loader_bytes(const struct run *run)
{
    const struct data_options *data = &run->config->data;
    const int64_t image = (int64_t)run->image_bytes, ring = RING * data->batch_size * image, worker = 6 * image,
                  workers = data->num_workers > 0 ? data->num_workers : 1;
    const int loaders = (run->train.batches > 0) + (run->val.batches > 0);
    return loaders * (ring + workers * worker);
}

/* Program, libraries, log, stacks: what a run of the smallest model takes beyond the rest of this list. */
enum { PROCESS_BYTES = 15 << 20 };

/* A line "NAME: VALUE kB" of /proc/meminfo, in bytes; 0 when it is not there. */
static int64_t meminfo(const char *name)
{
    char line[128];
    int64_t kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) sscanf(line + strlen(name), ": %" SCNd64, &kilobytes);
    if (file) fclose(file);
    return kilobytes << 10;
}

/* A number in a file; -1 when there is none ("max"). */
static int64_t number_in(const char *path)
{
    int64_t number = -1;
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%" SCNd64, &number) != 1) number = -1;
    if (file) fclose(file);
    return number;
}

/* What this process may still take: of the machine, or of its group. */
static int64_t available_bytes(void)
{
    int64_t free_bytes = meminfo("MemAvailable");
    static const char *const limit[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
                             *const used[] = {"/sys/fs/cgroup/memory.current",
                                              "/sys/fs/cgroup/memory/memory.usage_in_bytes"};
    for (int i = 0; i < 2; i++) {
        const int64_t most = number_in(limit[i]), now = number_in(used[i]);
        if (most > 0 && now >= 0 && most - now < free_bytes) free_bytes = most - now;
    }
    return free_bytes;
}

/* ---- checkpoints ---- */

/* How many files are there at most at one time, -1 when all are kept: one more while a new one is written, and the
 * timed one. */
static void count_checkpoints(const struct run *run, struct forecast *self)
{
    const int64_t epochs = run->steps_planned > 0
                               ? (run->steps_planned + run->steps_per_epoch - 1) / run->steps_per_epoch
                               : -1;
    self->checkpoint_epochs = 0;
    for (size_t i = 0; i < run->callbacks.count; i++) {
        int64_t files, every;
        if (!run->callbacks.callback[i]->keeps) continue;
        run->callbacks.callback[i]->keeps(run->callbacks.self[i], &files, &every);
        if (files < 0) files = epochs < 0 ? 1 : (epochs + every - 1) / every;
        self->checkpoints += files;
        if (!self->checkpoint_epochs || every < self->checkpoint_epochs) self->checkpoint_epochs = every;
    }
    self->checkpoints += 1 + (run->config->trainer.checkpoint_every > 0);
    self->checkpoint_every_s = run->config->trainer.checkpoint_every;
}

/* Free bytes where the run's folder will be; -1 when that cannot be told. */
static int64_t disk_free(const char *folder)
{
    char *path = memory_text(folder);
    struct statvfs info;
    int failed;
    while ((failed = statvfs(path, &info)) != 0 && strrchr(path, '/') && strrchr(path, '/') != path)
        *strrchr(path, '/') = '\0';
    if (failed) failed = statvfs(path[0] == '/' ? "/" : ".", &info);
    free(path);
    return failed ? -1 : (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

/* ---- the plan ---- */

static void sum_up(struct forecast *self, struct run *run, const struct plan *plan)
{
    const struct plan_summary s = plan_summarise(plan);
    self->parameters = s.parameters;
    self->trainable = s.trainable;
    self->macs = s.macs_forward;
    self->arena_bytes = (int64_t)s.arena_bytes;
    self->parameter_bytes = (int64_t)s.parameter_bytes;
    self->gradient_bytes = (int64_t)s.gradient_bytes;
    self->state_bytes = (int64_t)s.state_bytes;
    self->other_bytes = (int64_t)s.other_bytes;
    self->loader_bytes = loader_bytes(run);
    self->checkpoint_bytes = self->parameter_bytes + self->state_bytes + (1 << 16);
    /* a checkpoint is a copy of parameters and states while it is written */
    self->process_bytes = self->checkpoint_bytes + self->arena_bytes + self->parameter_bytes + self->gradient_bytes +
                          self->state_bytes + self->other_bytes + self->loader_bytes + PROCESS_BYTES;
    self->available_bytes = available_bytes();
    count_checkpoints(run, self);
    self->disk_bytes = self->checkpoints * self->checkpoint_bytes;
    self->disk_free = disk_free(run->config->trainer.default_root_dir);
}

static void list_layers(struct forecast *self, const struct plan *plan)
{
    const struct graph *graph = plan_graph(plan);
    self->layer = memory_new(graph->node_count + 1, sizeof *self->layer);
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct node *node = graph->node[n];
        struct forecast_layer *layer = &self->layer[self->layers++];
        *layer = (struct forecast_layer){.name = memory_text(node->name),
                                         .op = node->op->name,
                                         .parameters = graph_parameters_of(graph, node),
                                         .macs = node->op->macs ? node->op->macs(node) / graph->batch : 0};
        shape_text(layer->shape, node->out[0]->shape);
    }
}

/* How much longer instructions take than their roof: what arithmetic holds up, and what memory does, which reads some
 * tensors twice and, with bfloat16, converts them. Fitted to the steps of tests/bench/RESULTS.md, all within a fifth.
 */
static const double over_arithmetic = 1.1, over_memory = 1.7, over_memory_bf16 = 2.2;

struct times {
    double roof, likely; /* seconds */
};

static struct times times_of(const struct plan *plan, enum plan_list which, const struct ceilings *ceilings, bool bf16)
{
    int count;
    const struct instruction *list = plan_instructions(plan, which, &count);
    struct times times = {0};
    for (int i = 0; i < count; i++) {
        const struct roof roof = roof_of(ceilings, &list[i]);
        const bool by_arithmetic = roof.arithmetic > roof.memory;
        times.roof += by_arithmetic ? roof.arithmetic : roof.memory;
        times.likely += by_arithmetic ? roof.arithmetic * over_arithmetic
                                      : roof.memory * (bf16 ? over_memory_bf16 : over_memory);
    }
    return times;
}

/* Parameters, gradients and states are read, parameters and states written. */
static double update_seconds(const struct forecast *self)
{
    return (double)(2 * self->parameter_bytes + self->gradient_bytes + 2 * self->state_bytes) / self->bandwidth;
}

static enum lt_err predict_times(struct forecast *self, const struct run *run, const struct plan *plan)
{
    struct ceilings ceilings;
    struct device *device;
    const bool bf16 = strcmp(run->config->trainer.precision, "bf16-mixed") == 0;
    LT_TRY(run->backend->open(&device, &(struct device_options){.threads = (int)run->config->trainer.num_threads}));
    self->threads = run->backend->threads(device);
    enum lt_err err = ceilings_measure(&ceilings, run->backend, device, bf16);
    run->backend->close(device);
    if (err != LT_OK) return err;
    self->flops = ceilings.flops;
    self->bandwidth = ceilings.bandwidth;
    const struct times forward = times_of(plan, PLAN_FORWARD, &ceilings, bf16),
                       backward = times_of(plan, PLAN_BACKWARD, &ceilings, bf16),
                       evaluation = times_of(plan, PLAN_EVALUATE, &ceilings, bf16);
    const double windows = (double)run->config->trainer.accumulate_grad_batches;
    self->roof_s = forward.roof + backward.roof;
    self->step_s = (forward.likely + backward.likely) * windows + update_seconds(self);
    self->epoch_s = self->step_s * (double)run->steps_per_epoch + evaluation.likely * (double)run->val.batches;
    return LT_OK;
}

/* Compiled on one thread, which starts none: callers may fork afterwards. */
static enum lt_err compile(struct plan **plan, struct device **device, struct run *run)
{
    LT_TRY(run->backend->open(device, &(struct device_options){.threads = 1}));
    enum lt_err err = build_plan(plan, run, *device, true);
    if (err != LT_OK) run->backend->close(*device);
    return err;
}

enum lt_err run_forecast(struct run *run, struct forecast *self)
{
    struct plan *plan;
    struct device *device;
    *self = (struct forecast){.classes = run_classes(run)->classes,
                              .train_samples = run->train.view.count,
                              .val_samples = run->val.set ? run->val.view.count : 0,
                              .batch_size = run->config->data.batch_size,
                              .train_batches = run->train.batches,
                              .val_batches = run->val.batches,
                              .steps_per_epoch = run->steps_per_epoch,
                              .steps = run->steps_planned};
    LT_TRY(compile(&plan, &device, run));
    sum_up(self, run, plan);
    list_layers(self, plan);
    enum lt_err err = predict_times(self, run, plan);
    plan_free(plan);
    run->backend->close(device);
    return err;
}

void forecast_release(struct forecast *self)
{
    for (int i = 0; i < self->layers; i++) free(self->layer[i].name);
    free(self->layer);
}

/* ---- what cannot fit ---- */

enum lt_err forecast_check(const struct forecast *self)
{
    if (self->available_bytes > 0 && self->process_bytes > self->available_bytes)
        return lt_fail(LT_ENOMEM,
                       "this run needs %.1f GB of memory and %.1f GB are free; lower data.batch_size (%" PRId64
                       "), or use trainer.precision: bf16-mixed; lathe plan shows what takes how much",
                       (double)self->process_bytes * 1e-9, (double)self->available_bytes * 1e-9, self->batch_size);
    if (self->disk_free >= 0 && self->disk_bytes > self->disk_free)
        return lt_fail(LT_EIO,
                       "%" PRId64 " checkpoints of %.0f MB need %.1f GB on the disk and %.1f GB are free; make room, "
                       "keep fewer (save_top_k), or set trainer.default_root_dir to another disk",
                       self->checkpoints, (double)self->checkpoint_bytes * 1e-6, (double)self->disk_bytes * 1e-9,
                       (double)self->disk_free * 1e-9);
    return LT_OK;
}

enum lt_err check_room(struct run *run)
{
    struct plan *plan;
    struct device *device;
    struct forecast forecast = {.batch_size = run->config->data.batch_size};
    LT_TRY(compile(&plan, &device, run));
    sum_up(&forecast, run, plan);
    plan_free(plan);
    run->backend->close(device);
    return forecast_check(&forecast);
}
