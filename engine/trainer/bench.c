/* A model's step against the ceilings of the machine: real steps on pictures of noise, every instruction timed. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/codecs/codec.h"
#include "engine/ops/conv2d.h"
#include "engine/trainer/ceilings.h"
#include "engine/trainer/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ceilings ---- */

enum lt_err bench_machine(struct machine_bench *self, int threads)
{
    struct device *device;
    struct ceilings f32, bf16;
    LT_TRY(backend_cpu.open(&device, &(struct device_options){.threads = threads}));
    self->threads = backend_cpu.threads(device);
    snprintf(self->instruction_set, sizeof self->instruction_set, "%s", backend_cpu.instruction_set(device));
    enum lt_err err = ceilings_measure(&f32, &backend_cpu, device, false);
    if (err == LT_OK) err = ceilings_measure(&bf16, &backend_cpu, device, true);
    backend_cpu.close(device);
    if (err != LT_OK) return err;
    self->flops = f32.flops;
    self->flops_bf16 = bf16.flops;
    self->bandwidth = f32.bandwidth;
    return LT_OK;
}

/* The first pictures of the training data, whole, on one thread. */
static enum lt_err bench_decode(struct run *run, struct step_bench *self)
{
    enum { PICTURES = 64 };
    const struct view *view = &run->train.view;
    struct picture picture = {0};
    double seconds = 0, bytes_read = 0;
    int64_t count = 0;
    enum lt_err err = LT_OK;
    for (; err == LT_OK && count < view->count && count < PICTURES; count++) {
        char *bytes;
        size_t length;
        const char *path = view->set->sample[view->index ? view->index[count] : count].path;
        err = picture_file(&bytes, &length, path);
        if (err != LT_OK) break;
        const int64_t begin = clock_ns();
        err = picture_decode(&picture, (const uint8_t *)bytes, length, run->config->data.max_pixels);
        seconds += (double)(clock_ns() - begin) * 1e-9;
        bytes_read += (double)length;
        free(bytes);
        if (err != LT_OK) err = lt_fail_in(err, "%s: ", path);
    }
    picture_release(&picture);
    self->decode_pictures = (double)count / seconds;
    self->decode_bytes = bytes_read / seconds;
    return err;
}

/* ---- classes of layers ---- */

static void name_class(char name[32], const struct node *node)
{
    snprintf(name, 32, "%s", node->op->name);
    if (node->op != &op_conv2d) return;
    const struct conv2d_sizes s = conv2d_sizes(node);
    const bool depthwise = s.groups == s.c && s.ci == 1 && s.groups > 1;
    snprintf(name, 32, "%s %dx%d", depthwise ? "depthwise" : "conv2d", (int)s.kh, (int)s.kw);
}

static struct bench_class *find_class(struct step_bench *self, const struct node *node, bool backward)
{
    char name[32];
    name_class(name, node);
    for (int i = 0; i < self->classes; i++)
        if (self->item[i].backward == backward && strcmp(self->item[i].name, name) == 0) return &self->item[i];
    self->item = memory_grow(self->item, (size_t)self->classes, &self->capacity, sizeof *self->item);
    struct bench_class *added = &self->item[self->classes++];
    *added = (struct bench_class){.backward = backward};
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

/* ---- steps ---- */

struct stage {
    struct run *run;
    struct step_bench *bench;
    struct ceilings ceilings;
    struct step step;
    int64_t *sample;
    double weight;
};

static void run_list(struct stage *self, enum plan_list which, bool counts)
{
    int count;
    const struct instruction *list = plan_instructions(self->run->plan, which, &count);
    for (int i = 0; i < count; i++) {
        const int64_t begin = clock_ns();
        list[i].run(list[i].call, &self->step);
        const double seconds = (double)(clock_ns() - begin) * 1e-9;
        if (!counts) continue;
        struct bench_class *class = find_class(self->bench, list[i].call->node, which == PLAN_BACKWARD);
        const struct roof roof = roof_of(&self->ceilings, &list[i]);
        class->seconds += seconds;
        class->flops += 2 * (double)list[i].macs;
        class->bytes += (double)list[i].bytes;
        class->roof_s += roof.arithmetic > roof.memory ? roof.arithmetic : roof.memory;
        self->bench->step_s += seconds;
    }
}

static void feed_noise(struct run *run)
{
    const int64_t n = run->config->data.batch_size;
    const size_t bytes = (size_t)n * run->image_bytes;
    uint8_t *pixels = memory_new(bytes, 1);
    int32_t *target = memory_new((size_t)n, sizeof *target);
    struct rng rng = rng_at(rng_key(1, RNG_TEST), 0, 0, 0);
    for (size_t i = 0; i < bytes; i++) pixels[i] = (uint8_t)rng_below(&rng, 256);
    plan_set_input(run->plan, "image", pixels, bytes);
    plan_set_input(run->plan, "target", target, (size_t)n * sizeof *target);
    plan_synchronize(run->plan);
    free(pixels);
    free(target);
}

static void run_steps(struct stage *self, int steps, void (*progress)(int done, int of))
{
    for (int i = 0; i <= steps; i++) { /* the first one warms up */
        run_list(self, PLAN_FORWARD, i > 0);
        run_list(self, PLAN_BACKWARD, i > 0);
        if (progress) progress(i + 1, steps + 1);
    }
    struct step_bench *bench = self->bench;
    bench->step_s /= steps;
    for (int i = 0; i < bench->classes; i++) {
        bench->item[i].seconds /= steps;
        bench->item[i].flops /= steps;
        bench->item[i].bytes /= steps;
        bench->item[i].roof_s /= steps;
    }
}

enum lt_err run_bench(struct run *run, const struct machine_bench *machine, struct step_bench *self, int steps,
                      void (*progress)(int done, int of))
{
    *self = (struct step_bench){0};
    const bool bf16 = strcmp(run->config->trainer.precision, "bf16-mixed") == 0;
    LT_TRY(bench_decode(run, self));
    LT_TRY(
        run->backend->open(&run->device, &(struct device_options){.threads = (int)run->config->trainer.num_threads}));
    struct stage stage = {.run = run, .bench = self, .weight = 1.0 / (double)run->config->data.batch_size};
    stage.ceilings = (struct ceilings){bf16 ? machine->flops_bf16 : machine->flops, machine->bandwidth};
    LT_TRY(build_plan(&run->plan, run, run->device, false));
    plan_initialise(run->plan, 1);
    feed_noise(run);
    stage.sample = memory_new((size_t)run->config->data.batch_size, sizeof *stage.sample);
    stage.step = (struct step){.device = run->device,
                               .pool = run->backend->pool(run->device),
                               .n = run->config->data.batch_size,
                               .training = true,
                               .sample = stage.sample,
                               .loss_weight = &stage.weight};
    run_steps(&stage, steps, progress);
    free(stage.sample);
    return LT_OK;
}

void step_bench_release(struct step_bench *self)
{
    free(self->item);
}
