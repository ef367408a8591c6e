/* Memory over a step, for the view of the profiler: how much of the arena holds something at each instruction, from the
 * run's document `memory`. Thread: the screen's. Zero-initialised is empty and releasable. */
#pragma once

#include "tui/app.h"
#include "tui/feed/document.h"

struct profiler_memory {
    struct document document;
    struct series live; /* MB by number of the instruction, from 1 */
    int peak;           /* the instruction that needs most */
    double peak_mb;
};

/* True: there is something newer. */
bool profiler_memory_look(struct profiler_memory *self, const struct feed *feed);
void profiler_memory_draw(const struct profiler_memory *self, struct canvas *canvas, struct rect rect);
void profiler_memory_release(struct profiler_memory *self);
