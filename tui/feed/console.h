/* What a run printed: the lines of its console.log, followed as it grows. A screen is on the run's machine, so it reads
 * the file itself. Thread: the screen's. Zero-initialised is empty and releasable. */
#pragma once

#include "data/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console {
    char **line;
    size_t count, capacity;
    struct text rest; /* of a line that has no end yet */
    int64_t read;     /* bytes of the file so far */
};

/* Reads what is new in the run's folder; the last megabyte of a file that is long already. True when there was
 * something. */
bool console_poll(struct console *self, const char *folder);
void console_release(struct console *self);
