/* lathe plan: what a fit would need and take, without starting it. */
#include "data/base/text.h"
#include "engine/engine.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLAG_JSON, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_JSON] = {"--json", NULL, "the same as JSON"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

/* ---- for people ---- */

/* "1.07 GB"; lends one of a few buffers. */
static const char *bytes(int64_t count)
{
    static char text[8][24];
    static int next;
    char *to = text[next = (next + 1) % 8];
    const double value = (double)count;
    if (value >= 1e9)
        snprintf(to, sizeof text[0], "%.2f GB", value * 1e-9);
    else if (value >= 1e6)
        snprintf(to, sizeof text[0], "%.1f MB", value * 1e-6);
    else
        snprintf(to, sizeof text[0], "%.1f kB", value * 1e-3);
    return to;
}

static const char *duration(double seconds)
{
    static char text[4][24];
    static int next;
    char *to = text[next = (next + 1) % 4];
    if (seconds < 1)
        snprintf(to, sizeof text[0], "%.0f ms", seconds * 1e3);
    else if (seconds < 120)
        snprintf(to, sizeof text[0], "%.1f s", seconds);
    else if (seconds < 7200)
        snprintf(to, sizeof text[0], "%.0f min", seconds / 60);
    else
        snprintf(to, sizeof text[0], "%.1f h", seconds / 3600);
    return to;
}

static void print_layers(const struct forecast *f)
{
    printf("%-26s %-11s %-20s %10s %9s\n", "layer", "op", "output", "parameters", "MMACs");
    for (int i = 0; i < f->layers; i++) {
        const struct forecast_layer *layer = &f->layer[i];
        printf("%-26.26s %-11.11s %-20.20s", layer->name, layer->op, layer->shape);
        if (layer->parameters)
            printf(" %10" PRId64, layer->parameters);
        else
            printf(" %10s", "");
        if (layer->macs) printf(" %9.2f", (double)layer->macs * 1e-6);
        printf("\n");
    }
    printf("%" PRId64 " parameters, %" PRId64 " of them trained; %.1f MMACs a picture, forward\n", f->parameters,
           f->trainable, (double)f->macs * 1e-6);
}

static void print_memory(const struct forecast *f)
{
    printf("\nmemory\n");
    printf("  activations, with their gradients %12s\n", bytes(f->arena_bytes));
    printf("  parameters                        %12s\n", bytes(f->parameter_bytes));
    printf("  their gradients                   %12s\n", bytes(f->gradient_bytes));
    printf("  optimizer states                  %12s\n", bytes(f->state_bytes));
    printf("  inputs, workspace, statistics     %12s\n", bytes(f->other_bytes));
    printf("  pictures decoded ahead            %12s\n", bytes(f->loader_bytes));
    printf("  a checkpoint while it is written  %12s\n", bytes(f->checkpoint_bytes));
    printf("  the whole process, about          %12s   of %s free\n", bytes(f->process_bytes),
           bytes(f->available_bytes));
}

static void print_disk(const struct forecast *f)
{
    printf("\ncheckpoints\n  %s each", bytes(f->checkpoint_bytes));
    if (f->checkpoint_epochs == 1) printf(", after each epoch");
    if (f->checkpoint_epochs > 1) printf(", after every %" PRId64 " epochs", f->checkpoint_epochs);
    if (f->checkpoint_every_s > 0) printf(", and every %s", duration(f->checkpoint_every_s));
    printf("\n  up to %" PRId64 " at a time: %s, of %s free\n", f->checkpoints, bytes(f->disk_bytes),
           bytes(f->disk_free));
}

static void print_times(const struct forecast *f)
{
    printf("\ndata\n  %" PRId32 " classes; %" PRId64 " pictures to train, in %" PRId64 " batches of %" PRId64
           "\n  %" PRId64 " pictures to validate, in %" PRId64 " batches\n",
           f->classes, f->train_samples, f->train_batches, f->batch_size, f->val_samples, f->val_batches);
    printf("\ntime, about, where decoding keeps up\n  a step    %10s   %.0f pictures/s\n", duration(f->step_s),
           (double)f->batch_size / f->step_s);
    printf("  an epoch  %10s   %" PRId64 " steps, and validation\n", duration(f->epoch_s), f->steps_per_epoch);
    if (f->steps > 0)
        printf("  the run   %10s   %" PRId64 " steps\n",
               duration(f->epoch_s * (double)f->steps / (double)f->steps_per_epoch), f->steps);
    printf("  from %.0f GFLOP/s and %.1f GB/s on %d threads, measured now\n", f->flops * 1e-9, f->bandwidth * 1e-9,
           f->threads);
}

/* ---- for programs ---- */

static void print_json(const struct forecast *f)
{
    json_t *layers = json_array();
    for (int i = 0; i < f->layers; i++)
        json_array_append_new(layers,
                              json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", f->layer[i].name, "op", f->layer[i].op,
                                        "output", f->layer[i].shape, "parameters", (json_int_t)f->layer[i].parameters,
                                        "macs", (json_int_t)f->layer[i].macs));
    json_t *all = json_pack("{s:o}", "layers", layers);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"parameters", f->parameters},
                   {"trainable", f->trainable},
                   {"macs", f->macs},
                   {"classes", f->classes},
                   {"train_samples", f->train_samples},
                   {"val_samples", f->val_samples},
                   {"batch_size", f->batch_size},
                   {"train_batches", f->train_batches},
                   {"val_batches", f->val_batches},
                   {"steps_per_epoch", f->steps_per_epoch},
                   {"steps", f->steps},
                   {"arena_bytes", f->arena_bytes},
                   {"parameter_bytes", f->parameter_bytes},
                   {"gradient_bytes", f->gradient_bytes},
                   {"state_bytes", f->state_bytes},
                   {"other_bytes", f->other_bytes},
                   {"loader_bytes", f->loader_bytes},
                   {"process_bytes", f->process_bytes},
                   {"available_bytes", f->available_bytes},
                   {"checkpoint_bytes", f->checkpoint_bytes},
                   {"checkpoints", f->checkpoints},
                   {"disk_bytes", f->disk_bytes},
                   {"disk_free", f->disk_free},
                   {"threads", f->threads}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(all, numbers[i].name, json_integer(numbers[i].value));
    json_object_set_new(all, "flops", json_real(f->flops));
    json_object_set_new(all, "bandwidth", json_real(f->bandwidth));
    json_object_set_new(all, "roof_s", json_real(f->roof_s));
    json_object_set_new(all, "step_s", json_real(f->step_s));
    json_object_set_new(all, "epoch_s", json_real(f->epoch_s));
    json_dumpf(all, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(all);
}

/* ---- the command ---- */

struct planning {
    struct arguments arguments;
    struct config *config;
    struct run *run;
    struct forecast forecast;
};

static enum lt_err make(struct planning *self)
{
    const struct arguments *arguments = &self->arguments;
    if (arguments->configs == 0) return lt_fail(LT_EUSAGE, "plan what? give a configuration: lathe plan -c run.yaml");
    LT_TRY(
        config_read(&self->config, arguments->config, arguments->configs, arguments->override, arguments->overrides));
    struct run_request request = {.verb = RUN_FIT, .config = self->config, .only_forecast = true};
    LT_TRY(run_prepare(&self->run, &request));
    return run_forecast(self->run, &self->forecast);
}

static void print(const struct planning *self)
{
    const struct forecast *f = &self->forecast;
    if (self->arguments.value[FLAG_JSON]) {
        print_json(f);
        return;
    }
    print_layers(f);
    print_memory(f);
    print_disk(f);
    print_times(f);
}

static int run(int argc, char **argv)
{
    struct planning self = {0};
    enum lt_err err = arguments_read(&self.arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    const bool help = err == LT_OK && self.arguments.value[FLAG_HELP];
    if (help)
        arguments_help(
            "lathe plan -c run.yaml [--SECTION.KEY VALUE …]",
            "Says what `lathe fit` with the same arguments would need and take: layers, memory, disk, steps, "
            "time. Nothing is\n"
            "trained and nothing written. The exit status says whether it would fit.",
            flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = make(&self);
    if (err == LT_OK && !help) {
        print(&self);
        err = forecast_check(&self.forecast);
    }
    int status = err == LT_OK ? 0 : command_fail(err);
    forecast_release(&self.forecast);
    run_free(self.run);
    config_free(self.config);
    arguments_release(&self.arguments);
    return status;
}

const struct command command_plan = {
    .name = "plan", .help = "says what a training will need and take, before it starts", .run = run};
