/* Times training steps of a model on the cpu backend: step MODEL BATCH SIZE THREADS STEPS [32|bf16-mixed
 * [train|evaluate|turns|ops|spans]]. Prints one line per step (milliseconds of forward, backward, update, all), then,
 * with ops, the slowest ops; evaluate: forward alone, on running statistics; turns: each step waits for a line of
 * standard input (turns.sh); spans: what the profiler costs, by steps of two plans in turns, one of which records every
 * instruction and is read as in a training. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "engine/graph/plan.h"
#include "engine/models/model.h"
#include "engine/ops/ops.h"
#include "profiler/profiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    struct device *device;
    struct plan *plan;
    void *options;
    int64_t batch, size;
    bool bf16, turns;
};

static enum lt_err build(struct bench *self, const char *name)
{
    const struct model *model = model_find(name);
    if (!model) return LT_EUSAGE;
    struct graph *g = graph_new(self->batch);
    struct value *image = graph_input(g, "image", DTYPE_U8, SHAPE(self->batch, self->size, self->size, 3));
    struct value *target = graph_input(g, "target", DTYPE_I32, SHAPE(self->batch));
    struct model_options options = {.num_classes = 10, .dropout = -1, .stochastic_depth_prob = -1};
    const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
    struct value *pixels = normalize(g, image, "normalize", mean, std);
    struct value *loss = cross_entropy(g, model->build(g, pixels, &options), target, "loss", 0);
    struct plan_options plan = {.backend = &backend_cpu,
                                .device = self->device,
                                .real = DTYPE_F32,
                                .bf16 = self->bf16,
                                .training = true,
                                .optimizer = OPTIMIZER_adamw,
                                .optimizer_options = self->options};
    LT_TRY(plan_build(&self->plan, g, (struct plan_outputs){.loss = loss, .output = {loss}, .count = 1}, &plan));
    plan_initialise(self->plan, 1);
    return LT_OK;
}

static void feed(struct bench *self)
{
    size_t count = (size_t)(self->batch * self->size * self->size * 3);
    uint8_t *image = memory_new(count, sizeof *image);
    int32_t *target = memory_new((size_t)self->batch, sizeof *target);
    struct rng rng = rng_at(rng_key(1, RNG_TEST), 0, 0, 0);
    for (size_t i = 0; i < count; i++) image[i] = (uint8_t)rng_below(&rng, 256);
    for (int64_t i = 0; i < self->batch; i++) target[i] = (int32_t)rng_below(&rng, 10);
    plan_set_input(self->plan, "image", image, count * sizeof *image);
    plan_set_input(self->plan, "target", target, (size_t)self->batch * sizeof *target);
    free(image);
    free(target);
}

static double ms_since(int64_t begin)
{
    return (double)(clock_ns() - begin) * 1e-6;
}

/* Waits for a line; false where there is none left: whoever gave the turns is gone. */
static bool its_turn(void)
{
    int c;
    while ((c = getchar()) != '\n')
        if (c == EOF) return false;
    return true;
}

static void train(struct bench *self, int steps)
{
    int64_t *sample = memory_new((size_t)self->batch, sizeof *sample);
    const double lr[OPTIMIZER_GROUPS_MAX] = {1e-3, 1e-3, 1e-3, 1e-3};
    struct plan_step step = {
        .n = self->batch, .sample = sample, .loss_weight = 1.0 / (double)self->batch, .first = true, .last = true};
    for (int i = 0; i < steps && (!self->turns || its_turn()); i++) {
        int64_t begin = clock_ns();
        plan_forward(self->plan, &step);
        double forward = ms_since(begin);
        plan_backward(self->plan, &step);
        double backward = ms_since(begin) - forward;
        plan_update(self->plan, lr, i + 1);
        double all = ms_since(begin);
        printf("forward %.1f backward %.1f update %.1f all %.1f ms\n", forward, backward, all - forward - backward,
               all);
        fflush(stdout);
    }
    free(sample);
}

static void evaluate(struct bench *self, int steps)
{
    const struct plan_step step = {.n = self->batch};
    for (int i = 0; i < steps; i++) {
        const int64_t begin = clock_ns();
        plan_evaluate(self->plan, &step);
        printf("all %.1f ms\n", ms_since(begin));
        fflush(stdout);
    }
}

/* One more pass over the instructions, each timed, summed by op and direction. */
static void print_ops(struct bench *self)
{
    double total[2][OP_COUNT] = {0};
    int64_t *sample = memory_new((size_t)self->batch, sizeof *sample);
    double weight = 1;
    struct step step = {.device = self->device,
                        .pool = backend_cpu.pool(self->device),
                        .n = self->batch,
                        .training = true,
                        .sample = sample,
                        .loss_weight = &weight};
    for (int which = PLAN_FORWARD; which <= PLAN_BACKWARD; which++) {
        int count;
        const struct instruction *list = plan_instructions(self->plan, (enum plan_list)which, &count);
        for (int i = 0; i < count; i++) {
            int64_t begin = clock_ns();
            list[i].run(list[i].call, &step);
            double ms = ms_since(begin);
            if (list[i].call->node) total[which][op_id(list[i].call->node->op)] += ms;
            if (ms > 0.8 && list[i].call->node)
                printf("%s %-28s %-12s %6.1f ms %6.1f GFLOP/s %6.1f GB/s\n", which ? "bwd" : "fwd",
                       list[i].call->node->name, list[i].call->node->op->name, ms, 2e-6 * (double)list[i].macs / ms,
                       1e-6 * (double)list[i].bytes / ms);
        }
    }
    for (int k = 0; k < OP_COUNT; k++)
        if (total[0][k] + total[1][k] > 0.5)
            printf("%-20s forward %8.1f backward %8.1f ms\n", op_at((enum op_id)k)->name, total[0][k], total[1][k]);
    free(sample);
}

/* Seconds of one step; `profile`: with what the trainer does for it. */
static double step_s(struct bench *self, struct plan_step *step, struct profile *profile, int number)
{
    const double lr[OPTIMIZER_GROUPS_MAX] = {1e-3, 1e-3, 1e-3, 1e-3};
    const int64_t begin = profile ? span_open(SPAN_STEP) : clock_ns();
    plan_forward(self->plan, step);
    plan_backward(self->plan, step);
    plan_update(self->plan, lr, number);
    if (profile) profile_step(profile, &(struct step_sample){.step = number, .wall_ms = 1, .cpu_ms = -1});
    if (profile) span_end(SPAN_STEP, begin);
    return (double)(clock_ns() - begin) * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *value, int count)
{
    qsort(value, (size_t)count, sizeof *value, by_value);
    return value[count / 2];
}

/* The ids of all instructions' spans, to switch them off and on: nothing else ever does. */
struct switched {
    struct instruction *item[2]; /* forward, backward */
    int count[2], *span[2];
};

static struct switched switch_of(struct plan *plan)
{
    struct switched self;
    for (int k = 0; k < 2; k++) {
        self.item[k] = (struct instruction *)plan_instructions(plan, k ? PLAN_BACKWARD : PLAN_FORWARD, &self.count[k]);
        self.span[k] = memory_new((size_t)self.count[k] + 1, sizeof *self.span[k]);
        for (int i = 0; i < self.count[k]; i++) self.span[k][i] = self.item[k][i].span;
    }
    return self;
}

static void switch_to(struct switched *self, bool on)
{
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < self->count[k]; i++) self->item[k][i].span = on ? self->span[k][i] : 0;
}

/* Nanoseconds to record a span and to read it into the tree. */
static double span_ns(struct profile *profile)
{
    enum { SPANS = 1000000 };
    const int64_t begin = clock_ns();
    int64_t at = begin;
    for (int i = 0; i < SPANS; i++) {
        at = span_end(SPAN_METRICS, at);
        if (i % 1000 == 0) profile_read(profile);
    }
    return (double)(clock_ns() - begin) / SPANS;
}

/* The pace varies with what else the machine does, so it is the median of the pairs' ratios that counts. */
static void compare_spans(struct bench *self, int pairs)
{
    int64_t *sample = memory_new((size_t)self->batch, sizeof *sample);
    double *plain = memory_new((size_t)pairs + 1, sizeof *plain), *ratio = memory_new((size_t)pairs + 1, sizeof *ratio);
    struct plan_step step = {
        .n = self->batch, .sample = sample, .loss_weight = 1.0 / (double)self->batch, .first = true, .last = true};
    plan_record_spans(self->plan);
    struct switched spans = switch_of(self->plan);
    struct profile *profile = profile_new();
    for (int i = -1; i < pairs; i++) { /* the first pair warms up */
        double seconds[2];
        for (int k = 0; k < 2; k++) {
            const bool on = (k + i) % 2 != 0;
            switch_to(&spans, on);
            seconds[on] = step_s(self, &step, on ? profile : NULL, 2 * i + k + 3);
        }
        if (i < 0) continue;
        plain[i] = seconds[0];
        ratio[i] = seconds[1] / seconds[0] - 1;
    }
    const int count = spans.count[0] + spans.count[1] + 6; /* and those of phases */
    const double step_ms = 1e3 * median(plain, pairs), ns = span_ns(profile);
    printf(
        "%d spans a step of %.3f ms, which takes %+.2f %% longer with them (median of %d pairs; half of them between "
        "%+.2f and %+.2f %%)\n",
        count, step_ms, 100 * median(ratio, pairs), pairs, 100 * ratio[pairs / 4], 100 * ratio[pairs * 3 / 4]);
    printf("%.0f ns to record a span and read it into the tree: %.3f %% of a step\n", ns, 1e-4 * ns * count / step_ms);
    profile_free(profile);
    free(spans.span[0]), free(spans.span[1]), free(sample), free(plain), free(ratio);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return fprintf(stderr,
                       "usage: step MODEL BATCH SIZE THREADS STEPS [32|bf16-mixed [train|evaluate|turns|ops|spans]]\n"),
               2;
    struct bench bench = {.batch = atoll(argv[2]), .size = atoll(argv[3])};
    bench.bf16 = argc > 6 && strcmp(argv[6], "bf16-mixed") == 0;
    bench.turns = strcmp(argv[argc - 1], "turns") == 0;
    struct device_options options = {.threads = atoi(argv[4])};
    bench.options = memory_new(1, optimizer_adamw.bound_bytes);
    enum lt_err err = options_bind(bench.options, optimizer_adamw.table, NULL);
    if (err == LT_OK) err = backend_cpu.open(&bench.device, &options);
    if (err == LT_OK) err = build(&bench, argv[1]);
    if (err != LT_OK) return fprintf(stderr, "step: %s\n", lt_message()), 1;
    feed(&bench);
    if (strcmp(argv[argc - 1], "spans") == 0)
        compare_spans(&bench, atoi(argv[5]));
    else if (strcmp(argv[argc - 1], "evaluate") == 0)
        evaluate(&bench, atoi(argv[5]));
    else
        train(&bench, atoi(argv[5]));
    if (strcmp(argv[argc - 1], "ops") == 0) print_ops(&bench);
    plan_free(bench.plan);
    backend_cpu.close(bench.device);
    options_release(bench.options, optimizer_adamw.table);
    free(bench.options);
    return 0;
}
