/* The configuration of a run: read from YAML files and dotted overrides, checked strictly against the option tables of
 * every component before anything is created, resolved with all defaults. Keys and defaults are Lightning's and
 * torchvision's. Thread: one while reading; read-only afterwards. */
#pragma once

#include "data/base/options.h"
#include "engine/callbacks/callback.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"

enum { CLIP_BY_NORM, CLIP_BY_VALUE };                 /* trainer.gradient_clip_algorithm */
enum { BAD_FILES_ARE_ERRORS, BAD_FILES_ARE_SKIPPED }; /* data.on_bad */
enum { DECODE_EXACT, DECODE_FAST };                   /* data.decode */
enum { CACHE_NONE, CACHE_DECODED };                   /* data.cache */

struct trainer_options {
    char *accelerator, *devices, *strategy, *precision;
    int64_t num_nodes;
    char *backend;                                        /* cpu | reference (the oracle; slow) */
    char *num_threads_text;                               /* auto | a number */
    int64_t num_threads;                                  /* 0 = auto */
    int64_t max_epochs, min_epochs, max_steps, min_steps; /* max_*: -1 = none */
    double max_time;                                      /* seconds; 0 = none */
    struct amount limit_train_batches, limit_val_batches, limit_test_batches, limit_predict_batches;
    struct amount val_check_interval;
    int64_t check_val_every_n_epoch;
    int64_t num_sanity_val_steps; /* -1 = all */
    double gradient_clip_val;     /* 0 = none */
    int gradient_clip_algorithm;
    int64_t accumulate_grad_batches;
    int64_t log_every_n_steps;
    char *fast_dev_run_text; /* false | true | a number of batches */
    int64_t fast_dev_run;    /* 0 = off */
    char *nonfinite;
    double checkpoint_every; /* seconds; 0 = off */
    char *default_root_dir;
    char *profiler; /* NULL | simple | advanced */
    const struct setting *callbacks;
    struct texts logger; /* hdf5 or nothing */
    int64_t overfit_batches;
    bool detect_anomaly, deterministic;
};

struct model_options_read {
    char *name, *weights;
    int64_t num_classes;                   /* 0 = from the data */
    double dropout, stochastic_depth_prob; /* negative = the model's own default */
    double label_smoothing;
    struct texts freeze;
};

struct split_options {
    double train, val;
    int64_t seed;
};

struct data_options {
    char *name, *data_dir, *train_dir, *val_dir, *test_dir, *predict_dir;
    const struct setting *split_setting;
    struct split_options split;
    int64_t batch_size, num_workers;
    bool shuffle, drop_last;
    int on_bad;
    double max_bad;
    int64_t max_pixels, pillow;
    int decode, cache;
    const struct setting *train_transforms, *val_transforms;
};

struct metric_lists {
    const struct setting *train, *val, *test; /* for metric_set_read; test NULL = as val */
};

struct config {
    struct setting *root; /* owns everything lent below */
    int64_t seed;
    char *run_name; /* NAME of runs/NAME/VERSION; never NULL */
    struct trainer_options trainer;
    struct model_options_read model;
    struct data_options data;
    struct metric_lists metrics;
    struct optimizer_choice optimizer;
    struct lr_policy lr;
};

/* files: later ones win; overrides: pairs key, value ("trainer.max_epochs", "3"). Every error is LT_EUSAGE with
 * file:line, the dotted path and the nearest valid key. A key whose feature does not exist yet is refused with a
 * sentence that says so. */
enum lt_err config_read(struct config **self, char *const *file, size_t files, char *const *override,
                        size_t overrides) LT_MUST_CHECK;

/* From the resolved YAML kept in a checkpoint, changed by overrides; `name` is where it came from, for messages. */
enum lt_err config_parse(struct config **self, const char *yaml, const char *name, char *const *override,
                         size_t overrides) LT_MUST_CHECK;
void config_free(struct config *self);

/* Appends the resolved configuration: every key with its value; reading it back gives the same configuration. */
void config_write(struct text *out, const struct config *self);

/* Appends every key with its default and its sentence, for `lathe fit --help`'s reader. */
void config_help(struct text *out);

/* The callbacks of a configuration, in the order of callbacks.def, plus a model_checkpoint where none is configured, so
 * that `last` always exists. Zero-initialised is releasable. */
struct callbacks {
    const struct callback **callback;
    void **self;
    const struct setting **where; /* NULL for one that was added */
    size_t count;
};

/* known: the names of what will be logged. */
enum lt_err callbacks_read(struct callbacks *self, const struct config *config, const char *const *known,
                           size_t count) LT_MUST_CHECK;
void callbacks_release(struct callbacks *self);

/* Whether any of them ever wants to know more of an update than the norms of its gradients. */
bool callbacks_watch(const struct callbacks *self);
