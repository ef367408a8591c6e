#include "tui/commands/command.h"
#include "tui/commands/evaluate.h"

static int run(int argc, char **argv)
{
    return evaluate_command(RUN_VALIDATE, "validate", argc, argv);
}

const struct command command_validate = {
    .name = "validate", .help = "measures a checkpoint on the validation data", .run = run};
