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
    bool branch;        /* fit: a new run that starts from the checkpoint */
    bool allow_changed_data; /* resume although the list of files changed */
    bool only_forecast;      /* fit: not to be started, so what does not fit is not refused */
    int argc;
    char **argv; /* for the record */
};

struct run;

/* Opens data, checks model, callbacks and checkpoint against each other. No thread is started, nothing is created on
 * disk. */
enum lt_err run_prepare(struct run **self, const struct run_request *request) LT_MUST_CHECK;

/* What a prepared fit will need and take. Bytes and parameters that the plan decides are exact, the whole process's
 * memory and all times are estimates. */
struct forecast_layer {
    char *name; /* the layer, as torch's module path */
    const char *op;
    char shape[128];          /* of the output, with the batch */
    int64_t parameters, macs; /* macs of one sample, forward */
};
struct forecast {
    struct forecast_layer *layer;
    int layers;
    int64_t parameters, trainable, macs;
    int32_t classes;
    int64_t train_samples, val_samples, batch_size, train_batches, val_batches, steps_per_epoch;
    int64_t steps; /* of the whole run; 0 = no end is set */
    int64_t arena_bytes, parameter_bytes, gradient_bytes, state_bytes, other_bytes, loader_bytes;
    int64_t process_bytes, available_bytes; /* the peak of the process; what is free now */
    int64_t checkpoint_bytes, checkpoints;  /* of one file; files at one time, at most */
    int64_t checkpoint_epochs;              /* written every so many epochs; 0 = never */
    double checkpoint_every_s;              /* and every so many seconds; 0 = not */
    int64_t disk_bytes, disk_free;
    int threads;
    double flops, bandwidth; /* this machine's ceilings */
    double roof_s;           /* one forward and backward at the ceilings */
    double step_s, epoch_s;  /* as they are likely to be; an epoch with its validation */
};
enum lt_err run_forecast(struct run *self, struct forecast *forecast) LT_MUST_CHECK;
void forecast_release(struct forecast *self);

/* LT_ENOMEM or LT_EIO with advice where memory or disk will not do; run_prepare has refused such a fit already. */
enum lt_err forecast_check(const struct forecast *self) LT_MUST_CHECK;

/* What the machine can do at most, by the cpu backend's own kernels; threads 0 = all cores. */
struct machine_bench {
    double flops, flops_bf16; /* a second, of a matrix product that suits the caches */
    double bandwidth;         /* bytes a second, read and written */
    int threads;
    char instruction_set[16];
};
enum lt_err bench_machine(struct machine_bench *self, int threads) LT_MUST_CHECK;

/* A prepared fit's step on noise (the cpu backend's), by classes of layers; and how fast its pictures are decoded by
 * one thread. */
struct bench_class {
    char name[32]; /* op, and the kernel of convolutions */
    bool backward;
    double seconds, flops, bytes; /* of one step */
    double roof_s;                /* the least that arithmetic or memory would take */
};
struct step_bench {
    struct bench_class *item;
    int classes;
    size_t capacity;
    double step_s;                        /* forward and backward */
    double decode_pictures, decode_bytes; /* a second */
};
enum lt_err run_bench(struct run *self, const struct machine_bench *machine, struct step_bench *bench, int steps,
                      void (*progress)(int done, int of)) LT_MUST_CHECK;
void step_bench_release(struct step_bench *self);

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
 * version), with "best" or "last" for a run, or a checkpoint of one ("cnn/version_3/epoch=3-step=135", "cnn/best").
 * Returns the path in *checkpoint and the run's folder in *folder (both caller frees; *folder NULL for a loose file).
 */
enum lt_err run_find_checkpoint(char **checkpoint, char **folder, const char *what, const char *which,
                                const char *root) LT_MUST_CHECK;

/* The configuration inside a checkpoint, with what was set while that run went on, changed by overrides (as
 * config_read's). The caller frees it. */
enum lt_err run_config_of(struct config **config, const char *checkpoint, char *const *override,
                          size_t overrides) LT_MUST_CHECK;
