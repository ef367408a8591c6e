/* A filter that is typed: once it is open, text narrows a list at once, Enter keeps it, Esc takes it away. Thread: the
 * screen's. Zero-initialised lets everything pass. */
#pragma once

#include "tui/draw/canvas.h"

#include <stdbool.h>

struct filter {
    char text[64];
    char before[64]; /* what it was when it was taken away: hits are still of that */
    bool open;       /* keys are typed into it */
};

/* True: the key was for the filter. */
bool filter_key(struct filter *self, int key);

/* Does a text hold every word of the filter, whatever the case? */
bool filter_passes(const struct filter *self, const char *text);

/* The same with what it was before it was taken away; an empty one finds everything. */
bool filter_finds(const struct filter *self, const char *text);

/* "/text" with a cursor while it is open; nothing where it is closed and empty. Returns the columns used. */
int filter_draw(const struct filter *self, struct canvas *canvas, int x, int y, int room);
