/* lathe export: the weights of a checkpoint as a plain file for other programs. */
#include "engine/checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include "data/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_TO, FLAG_OUTPUT, FLAG_CHECKPOINT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_TO] = {"--to", "safetensors", "the format"},
    [FLAG_OUTPUT] = {"--output", "FILE", "default: the checkpoint's name with the format's ending, here"},
    [FLAG_CHECKPOINT] = {"--ckpt_path", "best|last", "which checkpoint of a run"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

/* "a/b/last.ckpt" gives "last.safetensors". */
static void default_output(struct text *output, const char *checkpoint)
{
    const char *slash = strrchr(checkpoint, '/'), *name = slash ? slash + 1 : checkpoint, *dot = strrchr(name, '.');
    text_add(output, "%.*s.safetensors", (int)(dot ? (size_t)(dot - name) : strlen(name)), name);
}

static enum lt_err export(const struct arguments *arguments) {
    const char *format = arguments->value[FLAG_TO];
    if (format && strcmp(format, "safetensors") !=
                      0) return lt_fail(LT_EUSAGE, "--to %s is not available; the format is safetensors", format);
    if (arguments->rests != 1) return lt_fail(LT_EUSAGE, "export what? give one run or checkpoint");
    char * checkpoint, *folder;
    LT_TRY(run_find_checkpoint(&checkpoint, &folder, arguments->rest[0], arguments->value[FLAG_CHECKPOINT], "runs"));
    struct text output = {0};
    if (arguments->value[FLAG_OUTPUT]) text_add(&output, "%s", arguments->value[FLAG_OUTPUT]);
    else default_output(&output, checkpoint);
    enum lt_err err = weights_export(text_get(&output), checkpoint);
    if (err == LT_OK) printf("wrote %s from %s\n", text_get(&output), checkpoint);
    text_release(&output);
    free(checkpoint);
    free(folder);
    return err;
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && arguments.value[FLAG_HELP])
        arguments_help(
            "lathe export RUN|CHECKPOINT [--to safetensors] [--output FILE]",
            "Writes plain weights with torchvision's names: load_state_dict of the same model in PyTorch takes them.",
            flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = export(&arguments);
    arguments_release(&arguments);
    return err == LT_OK ? 0 : command_fail(err);
}

const struct command command_export = {
    .name = "export", .help = "writes a checkpoint's weights for other programs", .run = run};
