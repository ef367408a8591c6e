/* Starting a prepared run: as a process of its own (own session, no terminal) with a screen in front, or headless in
 * this one. Thread: the main thread, before any other exists. */
#pragma once

#include "engine/engine.h"
#include "tui/screen.h"

struct start_options {
    bool headless, plain;
    bool detach;                           /* no screen: returns while the run goes on */
    const struct preferences *preferences; /* lent */
};

/* Runs to the end (or until the person detaches) and returns the exit status of the program. Prints the last sentence.
 * Borrows run. */
int start_run(struct run *run, const struct start_options *options);

/* Shows a run over a connected socket (taken) and says how it ended; `folder` is for the words. `pid` is the run's
 * process when it is our child, else 0. Returns the exit status. */
int show_run(const struct screen_options *options, const char *folder, int pid);
