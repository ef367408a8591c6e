/* A sink: where records of a run go. Each has a thread and a ring of its own; the trainer only pushes. Implementers'
 * header of engine/log. Thread: open runs on the trainer's thread before any record; everything else on the sink's own.
 */
#pragma once

#include "data/base/err.h"
#include "engine/log/log.h"

#include <stdbool.h>
#include <stdint.h>

enum record_kind {
    RECORD_METRIC,
    RECORD_SCALAR,
    RECORD_EVENT,
    RECORD_FAMILY,
    RECORD_EPOCH,
    RECORD_ANSWER,
    RECORD_DOCUMENT,
    RECORD_FLUSH
};

/* One thing that happened. `payload` belongs to the record and is freed after the sink saw it. */
struct log_record {
    enum record_kind kind;
    int metric; /* SCALAR, METRIC: the id */
    enum log_family family;
    enum event_kind event;
    enum event_level level;
    bool done; /* ANSWER */
    int64_t step;
    uint64_t request; /* ANSWER */
    double wall, value;
    void *payload; /* METRIC: struct metric_info with its texts; EVENT, ANSWER: text; FAMILY: double[]; EPOCH:
                      struct log_epoch_row; DOCUMENT: its name, a NUL, JSON text */
};

struct log_end {
    enum run_state state;
    int exit_code;
    const char *sentence;
};

struct sink {
    const char *name;
    /* False when the options do not ask for this sink. */
    bool (*wanted)(const struct log_options *options);
    /* An error with *self set means: open, but the user must hear this sentence. */
    enum lt_err (*open)(void **self, const struct log_run *run, const struct log_options *options);
    void (*record)(void *self, const struct log_record *record);
    /* Called about every `wait` with the newest status (NULL when it did not change). */
    void (*tick)(void *self, const struct run_status *status);
    /* Sleeps for something else than records, or until `bell` can be read, at most a fraction of a second; NULL: 50 ms,
     * just the bell. */
    void (*wait)(void *self, int bell);
    /* Everything recorded so far is on disk; NULL: nothing to do. */
    void (*flush)(void *self);
    /* Lends a sentence about what went wrong since the last call, NULL when nothing did; may itself be NULL. */
    const char *(*trouble)(void *self);
    /* The last call: says goodbye and frees itself. */
    void (*close)(void *self, const struct log_end *end);
    /* Closes when the others have: who hears of a run's end here may read what they wrote. */
    bool is_last;
};

#define SINK(name) extern const struct sink sink_##name;
#include "engine/log/sinks.def"
#undef SINK
