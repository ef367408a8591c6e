/* A line to a run: bytes of a socket in, frames into a feed; commands out. Never blocks. Thread: the screen's.
 * Zero-initialised is releasable. */
#pragma once

#include "tui/feed/feed.h"

struct line {
    int fd; /* non-blocking */
    bool lost;
    struct text in; /* the start of a frame */
    struct feed *feed;
};

/* Takes in what has arrived; `lost` tells that nobody is there any more, or that it is no run that talks. */
void line_read(struct line *self);

/* Sends of `out` what there is room for. */
void line_write(struct line *self, struct text *out);
