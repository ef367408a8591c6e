/* lathe bench: what this machine can do, and how near a model's step comes to it. */
#include "engine/engine.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FLAG_STEPS, FLAG_JSON, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_STEPS] = {"--steps", "N", "how many steps to time; 5 where nothing is said"},
    [FLAG_JSON] = {"--json", NULL, "the same as JSON"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

struct bench {
    struct arguments arguments;
    struct config *config;
    struct run *run;
    struct machine_bench machine;
    struct step_bench step;
};

static void show_progress(int done, int of)
{
    fprintf(stderr, "\rstep %d of %d%s", done, of, done == of ? "\r               \r" : "");
    fflush(stderr);
}

static int slower(const void *a, const void *b)
{
    const double x = ((const struct bench_class *)a)->seconds, y = ((const struct bench_class *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void print_machine(const struct machine_bench *m)
{
    printf("%s, %d threads\n", m->instruction_set, m->threads);
    printf("  matrix product, float32    %8.0f GFLOP/s\n", m->flops * 1e-9);
    printf("  matrix product, bfloat16   %8.0f GFLOP/s\n", m->flops_bf16 * 1e-9);
    printf("  memory, read and written   %8.1f GB/s\n", m->bandwidth * 1e-9);
}

static void print_step(const struct bench *self)
{
    const struct step_bench *b = &self->step;
    double roof = 0;
    printf("  decoding, one thread       %8.0f pictures/s, %.0f MB/s\n", b->decode_pictures, b->decode_bytes * 1e-6);
    printf("\n%s, batch %lld, %s: forward and backward\n", self->config->model.name,
           (long long)self->config->data.batch_size, self->config->trainer.precision);
    printf("%-24s %-8s %8s %7s %9s %7s %7s\n", "class", "", "ms", "share", "GFLOP/s", "GB/s", "of roof");
    for (int i = 0; i < b->classes; i++) {
        const struct bench_class *c = &b->item[i];
        printf("%-24s %-8s %8.1f %6.1f%% %9.0f %7.1f %6.0f%%\n", c->name, c->backward ? "backward" : "forward",
               c->seconds * 1e3, 100 * c->seconds / b->step_s, c->flops / c->seconds * 1e-9,
               c->bytes / c->seconds * 1e-9, 100 * c->roof_s / c->seconds);
        roof += c->roof_s;
    }
    printf("%-24s %-8s %8.1f %6.1f%% %9s %7s %6.0f%%\n", "all", "", b->step_s * 1e3, 100.0, "", "",
           100 * roof / b->step_s);
    printf("%.0f pictures/s\n", (double)self->config->data.batch_size / b->step_s);
}

static void print_json(const struct bench *self)
{
    const struct machine_bench *m = &self->machine;
    const struct step_bench *b = &self->step;
    json_t *all = json_pack("{s:s, s:i, s:f, s:f, s:f}", "instruction_set", m->instruction_set, "threads", m->threads,
                            "flops", m->flops, "flops_bf16", m->flops_bf16, "bandwidth", m->bandwidth);
    if (self->run) {
        json_t *classes = json_array();
        for (int i = 0; i < b->classes; i++)
            json_array_append_new(classes,
                                  json_pack("{s:s, s:b, s:f, s:f, s:f, s:f}", "name", b->item[i].name, "backward",
                                            b->item[i].backward, "seconds", b->item[i].seconds, "flops",
                                            b->item[i].flops, "bytes", b->item[i].bytes, "roof_s", b->item[i].roof_s));
        json_object_set_new(all, "step_s", json_real(b->step_s));
        json_object_set_new(all, "decode_pictures_per_s", json_real(b->decode_pictures));
        json_object_set_new(all, "classes", classes);
    }
    json_dumpf(all, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(all);
}

static enum lt_err read_steps(int *steps, const char *text)
{
    char *end = NULL;
    const long value = text ? strtol(text, &end, 10) : 5;
    if (text && (*end || value < 1 || value > 1000))
        return lt_fail(LT_EUSAGE, "--steps %s is no number of steps from 1 to 1000", text);
    *steps = (int)value;
    return LT_OK;
}

static enum lt_err measure(struct bench *self)
{
    const struct arguments *arguments = &self->arguments;
    int steps = 0;
    LT_TRY(read_steps(&steps, arguments->value[FLAG_STEPS]));
    if (arguments->rests)
        return lt_fail(LT_EUSAGE, "'%s' is no flag; a configuration is given with -c %s", arguments->rest[0],
                       arguments->rest[0]);
    if (arguments->configs) {
        LT_TRY(config_read(&self->config, arguments->config, arguments->configs, arguments->override,
                           arguments->overrides));
        struct run_request request = {.verb = RUN_FIT, .config = self->config};
        LT_TRY(run_prepare(&self->run, &request));
    }
    LT_TRY(bench_machine(&self->machine, self->config ? (int)self->config->trainer.num_threads : 0));
    if (!self->run) return LT_OK;
    LT_TRY(run_bench(self->run, &self->machine, &self->step, steps, isatty(STDERR_FILENO) ? show_progress : NULL));
    qsort(self->step.item, (size_t)self->step.classes, sizeof *self->step.item, slower);
    return LT_OK;
}

static void print(const struct bench *self)
{
    if (self->arguments.value[FLAG_JSON]) {
        print_json(self);
        return;
    }
    print_machine(&self->machine);
    if (self->run) print_step(self);
}

static int run(int argc, char **argv)
{
    struct bench self = {0};
    enum lt_err err = arguments_read(&self.arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    const bool help = err == LT_OK && self.arguments.value[FLAG_HELP];
    if (help)
        arguments_help("lathe bench [-c run.yaml [--SECTION.KEY VALUE …]]",
                       "Measures how fast this machine multiplies matrices and moves memory; with a configuration, its "
                       "model's step against\n"
                       "that, by classes of layers, and how fast its pictures are decoded. Only an idle machine tells "
                       "the truth.",
                       flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = measure(&self);
    if (err == LT_OK && !help) print(&self);
    int status = err == LT_OK ? 0 : command_fail(err);
    step_bench_release(&self.step);
    run_free(self.run);
    config_free(self.config);
    arguments_release(&self.arguments);
    return status;
}

const struct command command_bench = {
    .name = "bench", .help = "measures this machine, and a model's step against it", .run = run};
