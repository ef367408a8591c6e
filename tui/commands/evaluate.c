#include "tui/commands/evaluate.h"

#include "data/base/text.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLAG_CHECKPOINT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_CHECKPOINT] = {"--ckpt_path", "best|last|PATH", "which checkpoint; best and last need a run before them"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

struct evaluation {
    struct arguments arguments;
    struct config *config;
    struct run *run;
    char *checkpoint, *folder;
};

/* RUN or CHECKPOINT as a plain word, or --ckpt_path PATH; with a plain word --ckpt_path says best or last. */
static enum lt_err find_checkpoint(struct evaluation *self, const char *name)
{
    const char *which = self->arguments.value[FLAG_CHECKPOINT];
    if (self->arguments.rests > 1)
        return lt_fail(LT_EUSAGE, "one run or checkpoint, please; '%s' is too much", self->arguments.rest[1]);
    const char *what = self->arguments.rests ? self->arguments.rest[0] : which;
    if (!what)
        return lt_fail(LT_EUSAGE, "%s what? give a run or a checkpoint: lathe %s runs/cnn/version_0", name, name);
    return run_find_checkpoint(&self->checkpoint, &self->folder, what, self->arguments.rests ? which : "last", "runs");
}

/* The configuration inside the checkpoint, or the files given, and overrides on top. */
static enum lt_err read_config(struct evaluation *self)
{
    struct arguments *arguments = &self->arguments;
    if (arguments->configs)
        return config_read(&self->config, arguments->config, arguments->configs, arguments->override,
                           arguments->overrides);
    return run_config_of(&self->config, self->checkpoint, arguments->override, arguments->overrides);
}

static enum lt_err evaluate(struct evaluation *self, enum run_verb verb, const char *name)
{
    LT_TRY(find_checkpoint(self, name));
    LT_TRY(read_config(self));
    struct run_request request = {.verb = verb, .config = self->config, .checkpoint = self->checkpoint};
    LT_TRY(run_prepare(&self->run, &request));
    return run_evaluate(self->run, stdout);
}

static void print_help(const char *name)
{
    struct text usage = {0}, about = {0};
    text_add(&usage, "lathe %s RUN|CHECKPOINT [--data.data_dir FOLDER] [--SECTION.KEY VALUE …]", name);
    text_add(&about,
             "Measures loss and metrics of a checkpoint on the %s data. The configuration inside the checkpoint is "
             "used unless -c\n"
             "gives another; the data may have moved: say where with --data.data_dir or --data.%s_dir.",
             name[0] == 't' ? "test" : "validation", name[0] == 't' ? "test" : "val");
    arguments_help(text_get(&usage), text_get(&about), flags, sizeof flags / sizeof *flags);
    text_release(&usage);
    text_release(&about);
}

int evaluate_command(enum run_verb verb, const char *name, int argc, char **argv)
{
    struct evaluation self = {0};
    enum lt_err err = arguments_read(&self.arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    bool help = err == LT_OK && self.arguments.value[FLAG_HELP];
    if (help)
        print_help(name);
    else if (err == LT_OK)
        err = evaluate(&self, verb, name);
    int status = err == LT_OK ? 0 : command_fail(err);
    run_free(self.run);
    config_free(self.config);
    arguments_release(&self.arguments);
    free(self.checkpoint);
    free(self.folder);
    return status;
}
