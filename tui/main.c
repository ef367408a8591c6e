/* The composition root: finds argv[1] in commands.def, nothing else. */
#include "tui/commands/command.h"

#include <stdio.h>
#include <string.h>

static int print_help(void)
{
    printf("lathe " LATHE_VERSION ": trains image classifiers from folders of pictures\n\nusage: lathe COMMAND …\n\n");
    const struct command *command;
    for (int i = 0; (command = command_at(i)); i++) printf("  %-10s %s\n", command->name, command->help);
    printf("\nlathe COMMAND --help tells more. Start with: lathe demo\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0) return puts("lathe " LATHE_VERSION) < 0;
    const struct command *command = command_find(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : command_fail(LT_EUSAGE);
}
