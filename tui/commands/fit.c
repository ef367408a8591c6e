/* lathe fit: checks everything, then forks before any thread exists: the child is the run, the parent its first screen.
 * Without a terminal, or with --headless, there is no parent: the run prints plain lines. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/engine.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/look.h"
#include "tui/commands/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLAG_RESUME,
    FLAG_BRANCH,
    FLAG_HEADLESS,
    FLAG_DETACH,
    FLAG_PLAIN,
    FLAG_PRINT_CONFIG,
    FLAG_ALLOW_CHANGED,
    FLAG_LOOK,
    FLAG_HELP = FLAG_LOOK + LOOK_FLAGS
};

static const struct flag flags[] = {
    [FLAG_RESUME] = {"--resume", "RUN|PATH", "goes on from a run's last checkpoint, or from a checkpoint file"},
    [FLAG_BRANCH] = {"--branch", "RUN[/CHECKPOINT]",
                     "a new run that starts from a checkpoint (RUN/last, RUN/best, a file), with keys changed"},
    [FLAG_HEADLESS] = {"--headless", NULL, "no screen: one plain line every few seconds"},
    [FLAG_DETACH] = {"--detach", NULL, "starts in the background and returns; lathe attach shows the training"},
    [FLAG_PLAIN] = {"--plain", NULL, "sentences instead of a screen, for screen readers; words are typed"},
    [FLAG_PRINT_CONFIG] = {"--print_config", NULL, "prints the whole resolved configuration and ends"},
    [FLAG_ALLOW_CHANGED] = {"--allow_changed_data", NULL, "resumes although the list of files changed"},
    LOOK_FLAG_ROWS(FLAG_LOOK),
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

struct fit {
    struct arguments arguments;
    struct config *config;
    struct run *run;
    struct preferences look;
    char *checkpoint, *folder;
};

/* A branch is configured as its checkpoint, but for the keys that are named. */
static enum lt_err read_branch(struct fit *self)
{
    const struct arguments *arguments = &self->arguments;
    if (arguments->value[FLAG_RESUME])
        return lt_fail(LT_EUSAGE, "--resume goes on in the run itself, --branch starts a new one; give one of them");
    if (arguments->configs)
        return lt_fail(LT_EUSAGE, "a branch is configured as its checkpoint; change keys by --SECTION.KEY VALUE, "
                                  "without -c");
    LT_TRY(run_find_checkpoint(&self->checkpoint, &self->folder, arguments->value[FLAG_BRANCH], "last", "runs"));
    free(self->folder); /* the parent's */
    self->folder = NULL;
    return run_config_of(&self->config, self->checkpoint, arguments->override, arguments->overrides);
}

/* Resuming starts from the run's own configuration, or a loose checkpoint's; files and overrides come on top. */
static enum lt_err read_config(struct fit *self)
{
    struct arguments *arguments = &self->arguments;
    const char *resume = arguments->value[FLAG_RESUME];
    if (arguments->value[FLAG_BRANCH]) return read_branch(self);
    char **file = memory_new(arguments->configs + 1, sizeof *file);
    size_t files = 0;
    char *own = NULL;
    enum lt_err err = LT_OK;
    if (resume) {
        err = run_find_checkpoint(&self->checkpoint, &self->folder, resume, "last", "runs");
        if (err == LT_OK && self->folder) file[files++] = own = path_join(self->folder, "config.yaml");
    }
    for (size_t i = 0; i < arguments->configs; i++) file[files++] = arguments->config[i];
    if (err == LT_OK && files == 0 && !resume && arguments->overrides == 0)
        err = lt_fail(LT_EUSAGE,
                      "what to train? give a configuration: lathe fit -c run.yaml (lathe fit --help tells more)");
    if (err == LT_OK && files == 0 && resume)
        err = run_config_of(&self->config, self->checkpoint, arguments->override, arguments->overrides);
    else if (err == LT_OK)
        err = config_read(&self->config, file, files, arguments->override, arguments->overrides);
    free(own);
    free(file);
    return err;
}

static enum lt_err prepare(struct fit *self, int argc, char **argv)
{
    LT_TRY(read_config(self));
    struct run_request request = {
        .verb = RUN_FIT,
        .config = self->config,
        .checkpoint = self->checkpoint,
        .folder = self->folder,
        .branch = self->arguments.value[FLAG_BRANCH] != NULL,
        .allow_changed_data = self->arguments.value[FLAG_ALLOW_CHANGED] != NULL,
        .argc = argc,
        .argv = argv,
    };
    return run_prepare(&self->run, &request);
}

static int print_config(const struct config *config)
{
    struct text yaml = {0};
    config_write(&yaml, config);
    fputs(text_get(&yaml), stdout);
    text_release(&yaml);
    return 0;
}

static int fit(struct fit *self, int argc, char **argv)
{
    enum lt_err err = arguments_read(&self->arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && self->arguments.value[FLAG_HELP]) {
        arguments_help("lathe fit -c run.yaml [--resume RUN | --branch RUN] [--SECTION.KEY VALUE …]",
                       "Trains a model on folders of pictures, with a live screen in front. The training is a process "
                       "of its own: it goes on\n"
                       "when the screen or the line dies, and `lathe attach` brings the screen back.",
                       flags, sizeof flags / sizeof *flags);
        return 0;
    }
    if (err == LT_OK && self->arguments.rests)
        err = lt_fail(LT_EUSAGE, "'%s' is no flag; a configuration is given with -c %s", self->arguments.rest[0],
                      self->arguments.rest[0]);
    if (err == LT_OK && self->arguments.value[FLAG_PRINT_CONFIG]) {
        err = read_config(self);
        return err == LT_OK ? print_config(self->config) : command_fail(err);
    }
    if (err == LT_OK) err = look_read(&self->look, &self->arguments, FLAG_LOOK);
    if (err == LT_OK) err = prepare(self, argc, argv);
    if (err == LT_OK) err = run_make_folder(self->run);
    if (err != LT_OK) return command_fail(err);
    struct start_options options = {.headless = self->arguments.value[FLAG_HEADLESS] != NULL,
                                    .detach = self->arguments.value[FLAG_DETACH] != NULL,
                                    .plain = self->arguments.value[FLAG_PLAIN] != NULL,
                                    .preferences = &self->look};
    return start_run(self->run, &options);
}

static int run_fit_command(int argc, char **argv)
{
    struct fit self = {0};
    int status = fit(&self, argc, argv);
    run_free(self.run);
    config_free(self.config);
    arguments_release(&self.arguments);
    free(self.checkpoint), free(self.folder);
    return status;
}

const struct command command_fit = {
    .name = "fit",
    .help = "trains a model, with a live screen in front",
    .run = run_fit_command,
};
