#include "tui/commands/command.h"

#include "data/base/options.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "tui/commands/commands.def"
#undef COMMAND
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const struct command *command_at(int index)
{
    return index < COMMAND_COUNT ? commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (int i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i]->name;
        if (strcmp(names[i], name) == 0) return commands[i];
    }
    const char *nearest = options_nearest(name, names, COMMAND_COUNT);
    (void)lt_fail(LT_EUSAGE, "there is no command '%s'%s%s%s; lathe --help lists them", name,
                  nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

int command_fail(enum lt_err code)
{
    const char *message = lt_message();
    fprintf(stderr, "lathe: %s\n", *message ? message : lt_err_sentence(code));
    return lt_exit_code(code);
}
