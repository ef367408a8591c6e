/* Spans: where time goes. Every room records spans here (a name, begin, end); the profiler room only reads them.
 * Recording costs two clock reads and one ring push, never allocates after a thread's first span, never waits and never
 * fails: when a thread's ring is full its spans still count in the totals. Nesting is by time within one thread.
 * Threads: any may record; span_drain belongs to one reader. */
#pragma once

#include <stdint.h>

/* The phases of a step that the step-time row shows, in order; ids of spans below SPAN_PHASES are these. */
#define SPAN_PHASE_LIST(X)                                                                                             \
    X(SPAN_DATA, "data")                                                                                               \
    X(SPAN_TRANSFER, "h2d")                                                                                            \
    X(SPAN_FORWARD, "forward")                                                                                         \
    X(SPAN_BACKWARD, "backward")                                                                                       \
    X(SPAN_OPTIMIZER, "optimizer")                                                                                     \
    X(SPAN_CALLBACKS, "callbacks")                                                                                     \
    X(SPAN_LOG, "log")                                                                                                 \
    X(SPAN_VALIDATION, "validation")                                                                                   \
    X(SPAN_CHECKPOINT, "checkpoint")

enum span_phase {
#define X(id, name) id,
    SPAN_PHASE_LIST(X)
#undef X
        SPAN_PHASES
};

/* The id of a name (made on first use; the same name gives the same id). Phases have their enum as id. */
int span_id(const char *name);

/* Lends the name of an id. */
const char *span_name(int id);

/* How many ids exist. */
int span_count(void);

struct span {
    int id;
    int thread; /* small number of the recording thread, in order of first span */
    int64_t begin_ns, end_ns;
};

/* Records one span of the calling thread; begin_ns comes from clock_ns(). */
void span_end(int id, int64_t begin_ns);

/* Totals since the start over all threads: calls and nanoseconds of one id. */
void span_total(int id, int64_t *calls, int64_t *total_ns);

/* Copies up to `max` recorded spans (oldest first per thread) into out; returns how many. One reader only. */
int span_drain(struct span *out, int max);
