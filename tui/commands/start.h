/* Starting a prepared run. Thread: the main thread, before any other exists. */
#pragma once

#include "engine/engine.h"

/* Runs to the end and returns the exit status of the program. Prints the last sentence. Borrows run. */
int start_run(struct run *run);
