/* TRAINING. Front door of the room: a run is one configuration put to work: fit, validate, test, or predict.
 * Invariant: run_prepare checks everything that can be checked and starts no thread, so that a caller may fork between
 * run_prepare and run_fit; the same seed, build and instruction set give the same bits whatever the threads and the
 * load. Thread: all calls on one run come from one thread, the trainer's; viewers reach it through the log's sinks and
 * the mailbox only. The run owns its data, plan, log and folder; it borrows the configuration. */
#pragma once

#include "data/base/err.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdio.h>

enum run_verb { RUN_FIT, RUN_VALIDATE, RUN_TEST };

struct run_request {
    enum run_verb verb;
    const struct config *config; /* borrowed for the run's life */
    const char
        *checkpoint;    /* fit: resume from here; validate, test: evaluate this; NULL = start anew / as initialised */
    const char *folder; /* fit: the run folder to continue in; NULL = a new one is made */
    bool allow_changed_data; /* resume although the list of files changed */
    int argc;
    char **argv; /* for the record */
};

struct run;

/* Opens data, checks model, callbacks and checkpoint against each other. No thread is started, nothing is created on
 * disk. */
enum lt_err run_prepare(struct run **self, const struct run_request *request) LT_MUST_CHECK;

/* Makes the run's folder (fit only) and writes config.yaml into it. */
enum lt_err run_make_folder(struct run *self) LT_MUST_CHECK;

/* Lends the folder ("runs/cnn/version_0"); NULL before run_make_folder. */
const char *run_folder(const struct run *self);

struct run_io {
    int viewer_fd; /* a screen already connected, or -1 */
    bool lines;    /* plain status lines on standard output */
};

/* Trains to the end. LT_OK = finished; LT_ENONFINITE, LT_EINTERRUPTED, LT_ETERMINATED, or an error. The sentence that
 * ends the run is lt_message() (also for LT_OK: best value, where the files are). */
enum lt_err run_fit(struct run *self, const struct run_io *io) LT_MUST_CHECK;

/* Evaluates on the validation or test data and prints one line per metric to `out`. */
enum lt_err run_evaluate(struct run *self, FILE *out) LT_MUST_CHECK;
void run_free(struct run *self);

/* Signals: the handler (installed by the command) may only call this; the trainer acts at the next step boundary. */
void run_signal(int number);

struct predict_request {
    const struct config *config;
    const char *checkpoint; /* NULL: model.weights of the configuration */
    char *const *file;      /* pictures and folders */
    size_t files;
    bool json; /* JSON lines instead of CSV */
    int top_k;
    FILE *out;
};

/* Classifies pictures. A picture that cannot be read is named on standard error, the others are still done; then
 * LT_EDATA. */
enum lt_err run_predict(const struct predict_request *request) LT_MUST_CHECK;

/* Which checkpoint a person means: a .ckpt file, a run's folder or name ("cnn/version_3": its last; "cnn": its newest
 * version), with "best" or "last" for a run. Returns the path in *checkpoint and the run's folder in *folder (both
 * caller frees; *folder NULL for a loose file). */
enum lt_err run_find_checkpoint(char **checkpoint, char **folder, const char *what, const char *which,
                                const char *root) LT_MUST_CHECK;

/* The configuration inside a checkpoint, changed by overrides (as config_read's). The caller frees it. */
enum lt_err run_config_of(struct config **config, const char *checkpoint, char *const *override,
                          size_t overrides) LT_MUST_CHECK;
