/* The arguments that fit, validate, test and predict share: configuration files, dotted overrides, and a few flags by
 * table. Thread: one. Everything is lent from argv but the arrays. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A flag of a command: "--resume" with a value, "--headless" without. */
struct flag {
    const char *name;  /* with its dashes */
    const char *value; /* what the value is called in the help ("RUN|PATH"); NULL = the flag takes none */
    const char *help;  /* one sentence */
};

struct arguments {
    char **config; /* -c, --config: files */
    size_t configs;
    char **override;  /* "trainer.max_epochs", "3", … : pairs */
    size_t overrides; /* pairs */
    char **rest;      /* what is no flag: checkpoints, pictures */
    size_t rests;
    const char *value[16]; /* by row of the flag table; "" for a flag without value that was given; NULL = not given */
};

enum { FLAGS_MAX = 16 };

/* Reads argv[1…] of a command. `--` ends the flags. An unknown flag is LT_EUSAGE with the nearest one. */
enum lt_err arguments_read(struct arguments *self, int argc, char **argv, const struct flag *flag,
                           size_t flags) LT_MUST_CHECK;
void arguments_release(struct arguments *self);

/* Prints usage, the flags and what else to know. */
void arguments_help(const char *usage, const char *about, const struct flag *flag, size_t flags);
