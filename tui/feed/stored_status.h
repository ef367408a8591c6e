/* The status of a run as far as its log knows it: what a living run would publish, put together from the file's facts,
 * configuration, epochs, events and phases. Thread: one. Zero-initialised is empty. */
#pragma once

#include "engine/log/history.h"
#include "engine/log/read.h"

struct stored_status {
    struct run_status status;
    int64_t max_epochs, max_steps, samples; /* of the configuration; samples of one step */
    int64_t accumulate;                     /* batches of one step */
    bool clips_by_norm;
    /* clocks, in wall seconds, by events */
    double began, paused_at, paused_s, before_s, last_wall;
    double heartbeat, moved; /* the newest heartbeat and when it was seen to move, by this machine's clock */
};

/* Takes the configuration. */
void stored_status_config(struct stored_status *self, const char *json);

/* Chooses the monitored metric as the run does, when the configuration names none. */
void stored_status_monitor(struct stored_status *self, const struct run_reader *reader);

/* Takes an event, in order. */
void stored_status_event(struct stored_status *self, const struct history_event *event);

/* Takes points of the monitored metric, in order. */
void stored_status_best(struct stored_status *self, const struct wire_point *point, size_t count);

/* Takes everything else, from the file as it is now. */
void stored_status_update(struct stored_status *self, struct run_reader *reader);

/* A run that the log calls unfinished but that neither writes nor answers was killed. `folder` is the run's. */
void stored_status_judge(struct stored_status *self, const char *folder);
