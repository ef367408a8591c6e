/* A callback: sees a const view of the run at the hooks of semantics (Lightning's names) and returns wishes; it never
 * calls the trainer back. Options are its own table; state goes into checkpoints by name. Thread: the trainer's. */
#pragma once

#include "data/base/options.h"
#include "engine/log/log.h"
#include "engine/log/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The newest value of every logged metric. */
struct logged_value {
    const char *name; /* "val/f1" */
    double value;
    int64_t step; /* when it was measured */
};

struct run_view {
    struct log *log;    /* for log_scalar, log_event, log_family */
    const char *folder; /* the run's */
    const char *checkpoint_folder;
    enum run_stage stage;
    int64_t step, epoch, batch, batches;
    bool has_validation; /* a validation runs each epoch */
    bool validated;      /* one ended since the last train epoch began */
    const struct logged_value *value;
    size_t values;
    const double *lr; /* per optimizer group */
    const char *const *group_name;
    int groups;
    const char *optimizer_name;
    const char *const *parameter_name; /* of norm[] */
    const double *norm;                /* [parameters + 1], global last; of the step just applied, before clipping */
    int64_t parameters;
    /* More of that step, [parameters] each; NULL unless `watches` asked for it or a gradient is not finite. */
    const double *update_ratio; /* norm of the update over that of the parameter; NaN: unknown */
    const double *zeros;        /* share of the gradient's values */
    const double *nonfinite;    /* how many of them */
    double loss;                /* of the step just applied */
};

/* Finds the newest value of a metric; false when it was never logged. */
bool run_view_value(const struct run_view *run, const char *name, struct logged_value *value);

/* For checks: fails at `where`, with the nearest name, when nothing is logged as `monitor`. */
enum lt_err callback_check_monitor(const char *monitor, const struct setting *where, const char *const *known,
                                   size_t count) LT_MUST_CHECK;

/* What a callback wants done; zero = nothing. Texts are owned by the wish list and freed by wishes_release. */
struct wishes {
    bool stop; /* stop after this epoch (min_epochs and min_steps allowing) */
    char *stop_reason;
    char **save; /* checkpoint files to write, in order; paths */
    size_t saves;
    char **remove; /* checkpoint files to remove once the saves succeeded */
    size_t removes;
};
void wishes_stop(struct wishes *self, const char *format, ...) LT_PRINTF(2, 3);
void wishes_save(struct wishes *self, const char *path);
void wishes_remove(struct wishes *self, const char *path);
void wishes_release(struct wishes *self);

struct callback {
    const char *name;
    const char *help;
    struct option_table table;
    size_t bound_bytes; /* of its own struct: the bound options first, then its state, zeroed at the start */
    /* Checks options against the run before anything is created (unknown metric in a filename, no monitor …). known[]
     * are the names that will be logged. */
    enum lt_err (*check)(void *self, const struct setting *where, const char *const *known, size_t count);
    void (*release)(void *self); /* what check and hooks allocated; options are released by the caller */
    /* Whether it wants to know more of that step's update than norms; NULL: never of any. */
    bool (*watches)(const void *self, int64_t step);
    void (*on_train_start)(void *self, const struct run_view *run, struct wishes *wishes);
    void (*on_step)(void *self, const struct run_view *run, struct wishes *wishes); /* after each applied update */
    void (*on_validation_end)(void *self, const struct run_view *run, struct wishes *wishes);
    void (*on_train_epoch_end)(void *self, const struct run_view *run, struct wishes *wishes); /* after validation */
    void (*on_veto)(void *self); /* a person wants it to go on: what counts towards a stop counts from zero */
    void (*on_saved)(void *self, const char *path, bool ok); /* after each save it wished for */
    void (*on_train_end)(void *self, const struct run_view *run, struct wishes *wishes);
    /* How many checkpoint files it keeps at most, -1 for all that are ever written, and every how many epochs it
     * writes; NULL: it writes none. */
    void (*keeps)(const void *self, int64_t *files, int64_t *every_n_epochs);
    json_t *(*save)(const void *self);
    enum lt_err (*load)(void *self, const json_t *state);
    void (*on_branch)(void *self); /* after load: the state is another run's, and so are the files it names */
};

#define CALLBACK(name) extern const struct callback callback_##name;
#include "engine/callbacks/callbacks.def"
#undef CALLBACK
const struct callback *callback_find(const char *name);
const struct callback *callback_at(int index); /* NULL past the end */
