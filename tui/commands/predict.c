/* lathe predict: pictures in, classes and probabilities out, from a checkpoint alone. */
#include "engine/engine.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_FORMAT, FLAG_TOP, FLAG_OUTPUT, FLAG_CHECKPOINT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_FORMAT] = {"--format", "csv|jsonl", "rows of text, or one JSON object per picture"},
    [FLAG_TOP] = {"--top_k", "N", "how many classes per picture (1)"},
    [FLAG_OUTPUT] = {"--output", "FILE", "where to write; default: the terminal"},
    [FLAG_CHECKPOINT] = {"--ckpt_path", "best|last", "which checkpoint of a run"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

struct prediction {
    struct arguments arguments;
    struct config *config;
    char *checkpoint, *folder;
    struct predict_request request;
};

static enum lt_err read_format(struct prediction *self)
{
    const char *format = self->arguments.value[FLAG_FORMAT], *top = self->arguments.value[FLAG_TOP];
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
        return lt_fail(LT_EUSAGE, "--format is csv or jsonl, not '%s'", format);
    self->request.json = format && strcmp(format, "jsonl") == 0;
    char *end = NULL;
    long count = top ? strtol(top, &end, 10) : 1;
    if (top && (end == top || *end || count < 1 || count > 1000))
        return lt_fail(LT_EUSAGE, "--top_k is a number from 1 to 1000, not '%s'", top);
    self->request.top_k = (int)count;
    return LT_OK;
}

/* The first word is the checkpoint, unless a configuration with model.weights is given. */
static enum lt_err read_model(struct prediction *self)
{
    struct arguments *arguments = &self->arguments;
    size_t first = 0;
    if (arguments->configs)
        LT_TRY(config_read(&self->config, arguments->config, arguments->configs, arguments->override,
                           arguments->overrides));
    if (!self->config || !self->config->model.weights) {
        if (!arguments->rests)
            return lt_fail(
                LT_EUSAGE,
                "predict with what? give a checkpoint or run, then pictures: lathe predict runs/cnn/version_0 a.png");
        LT_TRY(run_find_checkpoint(&self->checkpoint, &self->folder, arguments->rest[0],
                                   arguments->value[FLAG_CHECKPOINT], "runs"));
        first = 1;
    }
    if (arguments->rests == first) return lt_fail(LT_EUSAGE, "predict which pictures? name files or folders");
    self->request.config = self->config;
    self->request.checkpoint = self->checkpoint;
    self->request.file = arguments->rest + first;
    self->request.files = arguments->rests - first;
    return LT_OK;
}

static enum lt_err predict(struct prediction *self)
{
    const char *output = self->arguments.value[FLAG_OUTPUT];
    LT_TRY(read_format(self));
    LT_TRY(read_model(self));
    self->request.out = output ? fopen(output, "we") : stdout;
    if (!self->request.out) return lt_fail_errno("write", output);
    enum lt_err err = run_predict(&self->request);
    if (output && fclose(self->request.out) != 0 && err == LT_OK) err = lt_fail_errno("write", output);
    return err;
}

static int run(int argc, char **argv)
{
    struct prediction self = {0};
    enum lt_err err = arguments_read(&self.arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    bool help = err == LT_OK && self.arguments.value[FLAG_HELP];
    if (help)
        arguments_help("lathe predict RUN|CHECKPOINT PICTURES… [--format jsonl] [--top_k 5]",
                       "Classifies pictures (files or folders). Model, classes and transforms come from the "
                       "checkpoint; no data folder is\n"
                       "needed. With -c FILE and model.weights plain weights serve instead of a checkpoint.",
                       flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = predict(&self);
    int status = err == LT_OK ? 0 : command_fail(err);
    config_free(self.config);
    arguments_release(&self.arguments);
    free(self.checkpoint);
    free(self.folder);
    return status;
}

const struct command command_predict = {.name = "predict", .help = "classifies pictures with a checkpoint", .run = run};
