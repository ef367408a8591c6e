/* What `validate` and `test` share. Thread: the main thread. */
#pragma once

#include "engine/engine.h"

/* Evaluates a checkpoint as argv asks; returns the exit status. */
int evaluate_command(enum run_verb verb, const char *name, int argc, char **argv);
