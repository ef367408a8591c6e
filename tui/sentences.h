/* A run told in sentences, for screen readers and Braille lines: each change once, in a line of its own that makes
 * sense by itself. Pure: a feed in, lines out. Thread: one. Zero-initialised has said nothing yet. */
#pragma once

#include "tui/feed/feed.h"

#include <stdint.h>

struct sentences {
    double every_s; /* at most so often it says where the run stands, unasked */
    bool said_hello, said_status;
    enum run_state state;
    int64_t epoch, step; /* of the last sentences about them */
    size_t events;       /* told */
    double next_s;
    char answer[256];
};

/* Appends what is new in the feed; `now_s` is any clock that only goes forward. */
void sentences_tell(struct sentences *self, const struct feed *feed, double now_s, struct text *out);

/* Appends where the run stands now. */
void sentences_status(const struct feed *feed, struct text *out);
