/* The screen at work: frames of runs in, keys of a person in, pictures and commands out. One loop for a run just
 * started and for one attached to. Thread: the main thread of a screen process. */
#pragma once

#include "data/base/err.h"
#include "tui/preferences.h"

#include <stdbool.h>
#include <stddef.h>

enum screen_how { SCREEN_DETACHED, SCREEN_RUN_ENDED, SCREEN_LOST, SCREEN_FOREIGN /* of another version */ };

struct screen_options {
    int fd;           /* connected to the run, or to one that is stored; taken */
    const int *other; /* others to compare it with; the descriptors are taken */
    size_t others;
    const struct preferences *preferences; /* lent */
    bool read_only;                        /* commands are refused here */
    bool plain;                            /* plain_run instead: sentences */
};

struct screen_end {
    enum screen_how how;
    int exit_code;           /* of the run, when it ended */
    bool open_log;           /* of a run that was lost: the person wants to see it */
    struct preferences look; /* … as this screen did */
    char *sentence;          /* its last one; caller frees; may be NULL */
};

/* Shows the run until the person leaves; one that ended or was lost is left on the screen to be looked at. The terminal
 * is as before afterwards. */
enum lt_err screen_run(const struct screen_options *options, struct screen_end *end) LT_MUST_CHECK;
