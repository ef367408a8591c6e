/* The status of a run: the newest truth about where it stands, as plain data. Written by the trainer, read by sinks
 * and, over the wire, by screens. Thread: a value, copied. */
#pragma once

#include "data/base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum run_state {
    RUN_STARTING,
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_DONE,
    RUN_FAILED,
    RUN_NONFINITE,
    RUN_STOPPED,
    RUN_KILLED, /* no run says so of itself: its log ends without an end and nobody answers */
    RUN_STATES
};

/* "starting", "running", "paused", "done", "failed", "nan", "stopped", "killed". */
const char *run_state_name(enum run_state state);

/* Will nothing come of it any more? */
bool run_state_is_over(enum run_state state);

enum run_stage {
    STAGE_SETUP,
    STAGE_SANITY,
    STAGE_TRAIN,
    STAGE_VALIDATION,
    STAGE_TEST,
    STAGE_PREDICT,
    STAGE_SAVE,
    STAGES
};
const char *run_stage_name(enum run_stage stage);

struct run_status {
    enum run_state state;
    enum run_stage stage;
    int64_t step, steps;              /* applied updates, planned (0 = unknown) */
    int64_t epoch, epochs;            /* epoch counts from 0; epochs 0 = endless */
    int64_t batch, batches;           /* done in this training epoch, total */
    int64_t eval_batch, eval_batches; /* of the running validation, test or sanity check */
    double samples_per_s;             /* training, over the last seconds */
    double elapsed_s, paused_s;       /* since the start; paused is not in elapsed */
    double left_s;                    /* estimate, validation included; negative = unknown */
    double loss;                      /* of the newest step read back; NaN = none yet */
    double lr;                        /* of the next step */
    double lr_factor;                 /* what `set lr` made of it: times the configured rate; 1 = as configured */
    double clip_value;                /* gradient clip line; 0 = none */
    double best;                      /* of the monitored metric; NaN = none yet */
    char monitor[64];                 /* its name */
    char doing[96];                   /* what is happening, in words ("writing checkpoint …"); may be empty */
    double phase_ms[SPAN_PHASES];     /* mean milliseconds per step of the last second or so */
    double step_ms;                   /* the same, whole step */
    int64_t queued, ring;             /* loader: batches ready, capacity */
    int64_t bad_files, skipped_updates;
};
