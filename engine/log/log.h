/* The run's log: numbers (metric, step, value), events, per-parameter families and the run's status go in at one end
 * and to every sink (run.h5, viewers' sockets, plain lines) at the other. The trainer never waits: each sink has its
 * own ring and thread, a full ring counts drops, which become an event. Thread: log_* functions that record belong to
 * the trainer thread; sinks run on their own. */
#pragma once

#include "data/base/err.h"
#include "engine/log/family.h"
#include "engine/log/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum event_kind {
#define EVENT(id, name) id,
#include "engine/log/events.def"
#undef EVENT
    EVENT_KINDS
};
const char *event_name(enum event_kind kind);

enum event_level { LEVEL_INFO, LEVEL_WARNING, LEVEL_SEVERE };

enum metric_goal { GOAL_NONE, GOAL_MIN, GOAL_MAX };

struct metric_info {
    const char *name; /* "train/loss"; also the path below /metrics in run.h5 */
    const char *unit, *description;
    enum metric_goal goal;
};

/* Facts about the run, written once. */
struct log_run {
    const char *folder; /* runs/NAME/VERSION; run.h5 goes here */
    const char *name;   /* NAME/VERSION */
    const char *model, *device, *precision;
    const char *config_yaml; /* the resolved configuration */
    int argc;
    char **argv;
    const char *const *parameter_name; /* columns of families (family.h), [parameters]; frozen ones left out */
    int64_t parameters;
    const char *const *machine_name; /* the same, [machine_values] */
    size_t machine_values;
    const struct metric_info
        *metric; /* those that will be declared, [metrics]: run.h5 has their places from the start */
    size_t metrics;
    const char *branched_from; /* the checkpoint of another run that this one starts from; NULL: none */
    int64_t resume_step;       /* -1, or rows after this step of an existing run.h5 are superseded */
};

struct log_options {
    bool hdf5, lines;
    double lines_every_s;    /* plain lines: seconds between status lines */
    int viewer_fd;           /* an already connected viewer (the screen that forked us), or -1 */
    const char *socket_path; /* where attach finds us, or NULL */
    struct mailbox *mailbox; /* where viewers' commands go (control.h); borrowed */
};

struct log;

/* Opens every sink. A folder that cannot be written gives a run without run.h5 and a severe event, not an error. */
enum lt_err log_open(struct log **self, const struct log_run *run, const struct log_options *options) LT_MUST_CHECK;

/* Flushes, marks the end in run.h5 (`state` done, failed, nan, …) and says goodbye to viewers with the exit code and
 * sentence. */
void log_close(struct log *self, enum run_state state, int exit_code, const char *sentence);

/* Declares a metric and returns its id; the same name gives the same id. Known names should be declared before
 * training. */
int log_metric(struct log *self, const struct metric_info *info);

/* Records. wall is taken here. NaN and infinities are kept as they are. */
void log_scalar(struct log *self, int metric, int64_t step, double value);
void log_event(struct log *self, enum event_kind kind, enum event_level level, int64_t step, const char *format, ...)
    LT_PRINTF(5, 6);

/* One row of a family: a value of each of its columns, kept as float32. */
void log_family(struct log *self, enum log_family which, int64_t step, const double *value);

/* One row of /epochs. */
struct log_epoch_row {
    int64_t epoch, step_first, step_last;
    double wall_first, wall_last;
};
void log_epoch(struct log *self, const struct log_epoch_row *row);

/* A document by name ("confusion"), which replaces the one before: documents/NAME.json in the run's folder. Takes
 * `json`. */
void log_document(struct log *self, const char *name, json_t *json);

/* Publishes the newest status; sinks look at it when they like. Cheap; call each step. */
void log_status(struct log *self, const struct run_status *status);

/* Answers a viewer's command (control.h): request is the command's own id. */
void log_answer(struct log *self, uint64_t request, bool done, int64_t step, const char *text);

/* Waits until everything recorded so far is flushed to run.h5 (before a checkpoint claims it). */
void log_flush(struct log *self);
