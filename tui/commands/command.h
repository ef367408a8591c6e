/* A command of the program: `lathe NAME …`. Thread: the main thread. */
#pragma once

#include "data/base/err.h"

struct command {
    const char *name;
    const char *help; /* one line of `lathe --help` */
    /* argv[0] is the command's name; returns the exit status. */
    int (*run)(int argc, char **argv);
};

#define COMMAND(name) extern const struct command command_##name;
#include "tui/commands/commands.def"
#undef COMMAND

/* Prints the stored message on standard error as "lathe: …" and returns the exit status of `code`. */
int command_fail(enum lt_err code);

/* Lends a command by name; NULL when unknown: the message names the nearest. */
const struct command *command_find(const char *name);
const struct command *command_at(int index); /* NULL past the end */
