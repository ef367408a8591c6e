/* lathe attach: a screen on a run that is going on, with full control. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"
#include "tui/commands/look.h"
#include "tui/commands/start.h"
#include "tui/term/term.h"

#include <stdlib.h>
#include <string.h>

enum { FLAG_READ_ONLY, FLAG_ROOT, FLAG_LOOK, FLAG_HELP = FLAG_LOOK + LOOK_FLAGS };

static const struct flag flags[] = {
    [FLAG_READ_ONLY] = {"--read-only", NULL, "only looks: no key reaches the training"},
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    LOOK_FLAG_ROWS(FLAG_LOOK),
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

/* The run's folder: as given, or below the root, or the newest live one. */
static enum lt_err find_folder(char **folder, const struct arguments *arguments, const char *root)
{
    if (arguments->rests > 1) return lt_fail(LT_EUSAGE, "one run, please; '%s' is too much", arguments->rest[1]);
    if (arguments->rests) {
        char *below = path_join(root, arguments->rest[0]);
        bool found = path_is_folder(arguments->rest[0]) || path_is_folder(below);
        *folder = path_is_folder(arguments->rest[0]) ? memory_text(arguments->rest[0]) : memory_text(below);
        free(below);
        if (found) return LT_OK;
        free(*folder);
        *folder = NULL;
        return lt_fail(LT_ENOTFOUND, "there is no run '%s'; lathe runs lists them", arguments->rest[0]);
    }
    struct found_runs runs;
    LT_TRY(found_runs_list(&runs, root));
    for (size_t i = 0; i < runs.count && !*folder; i++)
        if (runs.run[i].live) *folder = memory_text(runs.run[i].folder);
    found_runs_release(&runs);
    return *folder
               ? LT_OK
               : lt_fail(LT_ENOTFOUND, "no run below %s is going on; lathe runs lists all, lathe fit starts one", root);
}

static int attach(const struct arguments *arguments)
{
    const char *root = arguments->value[FLAG_ROOT] ? arguments->value[FLAG_ROOT] : "runs", *why = NULL;
    char *folder = NULL;
    if (!term_possible(&why)) return command_fail(lt_fail(LT_EUNSUPPORTED, "attach needs a terminal: %s", why));
    struct preferences look;
    enum lt_err err = look_read(&look, arguments, FLAG_LOOK);
    if (err == LT_OK) err = find_folder(&folder, arguments, root);
    int fd = err == LT_OK ? found_run_connect(folder) : -1;
    if (err == LT_OK && fd < 0)
        err = lt_fail(LT_ENOTFOUND,
                      "the run %s is not going on; go on from its last checkpoint with: lathe fit --resume %s", folder,
                      folder);
    struct screen_options screen = {
        .fd = fd, .preferences = &look, .read_only = arguments->value[FLAG_READ_ONLY] != NULL};
    int status = err == LT_OK ? show_run(&screen, folder, 0) : command_fail(err);
    free(folder);
    return status;
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    int status = 0;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err != LT_OK)
        status = command_fail(err);
    else if (arguments.value[FLAG_HELP])
        arguments_help("lathe attach [RUN] [--read-only]",
                       "Brings the screen back on a training that is going on (the newest one when none is named): "
                       "look, pause, checkpoint,\n"
                       "stop, leave again with q d. Several screens may look at one run.",
                       flags, sizeof flags / sizeof *flags);
    else
        status = attach(&arguments);
    arguments_release(&arguments);
    return status;
}

const struct command command_attach = {.name = "attach", .help = "a screen on a training that is going on", .run = run};
