/* What a person marked to look at together: metrics by name, in the order of marking, and runs of those that are
 * compared. Thread: the screen's. Zero-initialised: nothing is marked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct marks {
    char **metric;
    size_t metrics, capacity;
    uint64_t run; /* a bit for each of the first 64 */
};

/* Marks a metric, or no longer. */
void marks_turn_metric(struct marks *self, const char *name);
bool marks_has_metric(const struct marks *self, const char *name);

/* The same for a run: 0 is the screen's own. */
void marks_turn_run(struct marks *self, size_t run);
bool marks_has_run(const struct marks *self, size_t run);

/* Are charts to show a run? Those that are marked, all while none is. */
bool marks_show_run(const struct marks *self, size_t run);

void marks_release(struct marks *self);
