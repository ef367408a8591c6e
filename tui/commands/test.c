#include "tui/commands/command.h"
#include "tui/commands/evaluate.h"

static int run(int argc, char **argv)
{
    return evaluate_command(RUN_TEST, "test", argc, argv);
}

const struct command command_test = {.name = "test", .help = "measures a checkpoint on the test data", .run = run};
