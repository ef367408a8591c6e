/* lathe attach: a screen on a run that is going on, with full control. */
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"
#include "tui/commands/look.h"
#include "tui/commands/start.h"
#include "tui/term/term.h"

#include <stdlib.h>

enum { FLAG_READ_ONLY, FLAG_PLAIN, FLAG_ROOT, FLAG_LOOK, FLAG_HELP = FLAG_LOOK + LOOK_FLAGS };

static const struct flag flags[] = {
    [FLAG_READ_ONLY] = {"--read-only", NULL, "only looks: no key reaches the training"},
    [FLAG_PLAIN] = {"--plain", NULL, "sentences instead of a screen, for screen readers; words are typed"},
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    LOOK_FLAG_ROWS(FLAG_LOOK),
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

static int attach(const struct arguments *arguments)
{
    const char *root = arguments->value[FLAG_ROOT] ? arguments->value[FLAG_ROOT] : "runs", *why = NULL;
    char *folder = NULL;
    bool plain = arguments->value[FLAG_PLAIN] != NULL;
    if (!plain && !term_possible(&why))
        return command_fail(lt_fail(LT_EUNSUPPORTED, "attach needs a terminal: %s", why));
    if (arguments->rests > 1)
        return command_fail(lt_fail(LT_EUSAGE, "one run, please; '%s' is too much", arguments->rest[1]));
    struct preferences look;
    enum lt_err err = look_read(&look, arguments, FLAG_LOOK);
    if (err == LT_OK) err = found_run_folder(&folder, arguments->rests ? arguments->rest[0] : NULL, root);
    int fd = err == LT_OK ? found_run_connect(folder) : -1;
    if (err == LT_OK && fd < 0)
        err = lt_fail(LT_ENOTFOUND,
                      "the run %s is not going on; go on from its last checkpoint with: lathe fit --resume %s", folder,
                      folder);
    struct screen_options screen = {
        .fd = fd, .preferences = &look, .read_only = arguments->value[FLAG_READ_ONLY] != NULL, .plain = plain};
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
