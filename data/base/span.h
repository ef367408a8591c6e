/* Spans: where time goes. Every room records spans here (a name, begin, end); the profiler room only reads them.
 * Recording costs a clock read and one ring push, never allocates after a thread's first span, never waits and never
 * fails: when a thread's ring is full its spans still count in the totals. Nesting is by time within one thread. A span
 * that may still be open when spans are read (a hook: a step, a validation) says so first, by span_open.
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
    X(SPAN_CHECKPOINT, "checkpoint")                                                                                   \
    X(SPAN_OTHER, "other") /* what is left of a step; nobody records it, the trainer works it out */

/* Other spans whose ids are known. */
#define SPAN_HOOK_LIST(X)                                                                                              \
    X(SPAN_FIT, "fit")                                                                                                 \
    X(SPAN_STEP, "step")                                                                                               \
    X(SPAN_SANITY, "sanity check")                                                                                     \
    X(SPAN_EVALUATE, "evaluate")                                                                                       \
    X(SPAN_METRICS, "metrics")                                                                                         \
    X(SPAN_PAUSED, "paused")                                                                                           \
    X(SPAN_READ, "read")                                                                                               \
    X(SPAN_DECODE, "decode")                                                                                           \
    X(SPAN_WRITE, "write")

enum span_phase {
#define X(id, name) id,
    SPAN_PHASE_LIST(X)
#undef X
        SPAN_PHASES,
    SPAN_BEFORE_HOOKS = SPAN_PHASES - 1,
#define X(id, name) id,
    SPAN_HOOK_LIST(X)
#undef X
        SPAN_KNOWN
};

/* The id of a name (made on first use; the same name gives the same id). Phases have their enum as id. */
int span_id(const char *name);

/* One instruction of a plan, for the profiler: spans of such an id go below their layer, and count in no totals. */
struct span_kernel {
    int layer;           /* id of the layer's name */
    double flops, bytes; /* of one call on a full batch: additions and multiplications; read and written */
};

/* A new id of a name that need not be unique: of a kernel, or of a layer (kernel NULL). When there are too many, the
 * one id that stands for all of them. */
int span_new(const char *name, const struct span_kernel *kernel);

/* Lends what was said of a kernel; NULL for other ids. */
const struct span_kernel *span_kernel(int id);

/* Lends the name of an id. */
const char *span_name(int id);

/* How many ids exist. */
int span_count(void);

struct span {
    int id;
    int thread;               /* small number of the recording thread, in order of first span */
    int64_t begin_ns, end_ns; /* end 0: opened, see span_open */
};

/* Records one span of the calling thread, that began at begin_ns and ends now, by clock_ns(). Returns now: where the
 * next one may begin. */
int64_t span_end(int id, int64_t begin_ns);

/* Says that a span of the calling thread begins now, and returns now, for the span_end that is to follow. */
int64_t span_open(int id);

/* The calling thread's number, as in struct span. */
int span_thread(void);

/* A thread's name (lent): as the system knew it at its first span, or as it called itself since. */
const char *span_thread_name(int thread);
void span_call_thread(const char *name);

/* Totals since the start over all threads: calls and nanoseconds of one id. */
void span_total(int id, int64_t *calls, int64_t *total_ns);

/* Copies up to `max` recorded spans (oldest first per thread) into out; returns how many. One reader only. */
int span_drain(struct span *out, int max);
