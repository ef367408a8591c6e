/* The configuration of a run: read from YAML files and dotted overrides, checked strictly against the option tables of every component
 * before anything is created, resolved with all defaults. Keys and defaults are Lightning's and torchvision's (design: semantics).
 * Thread: one while reading; read-only afterwards. */
#pragma once

#include "data/base/options.h"
#include "data/data.h"
#include "engine/callbacks/callback.h"
#include "engine/log/log.h"
#include "engine/metrics/metric.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"

struct trainer_options {
    char *accelerator, *devices, *strategy, *precision; /* only cpu|auto, auto|1, auto|single, 32-true exist so far */
    int64_t num_nodes;
    char *backend;              /* cpu | reference (the oracle; slow) */
    int64_t num_threads;        /* 0 = auto */
    int64_t max_epochs, min_epochs, max_steps, min_steps; /* -1 = none */
    double max_time;            /* seconds; 0 = none */
    struct amount limit_train_batches, limit_val_batches, limit_test_batches, limit_predict_batches;
    struct amount val_check_interval;
    int64_t check_val_every_n_epoch;
    int64_t num_sanity_val_steps;
    double gradient_clip_val;   /* 0 = none */
    int gradient_clip_algorithm; /* norm | value */
    int64_t accumulate_grad_batches;
    int64_t log_every_n_steps;
    int64_t fast_dev_run;       /* 0 = off; true = 1 */
    int nonfinite;              /* warn | skip | stop | rollback: only stop exists so far */
    double checkpoint_every;    /* seconds; 0 = off */
    char *default_root_dir;
    char *profiler;             /* NULL | simple */
    const struct setting *callbacks, *logger;
};

struct model_settings {
    char *name, *weights;
    int64_t num_classes; /* 0 = from the data */
    double dropout, stochastic_depth_prob, label_smoothing; /* negative = the model's own default */
    struct texts freeze;
};

struct data_settings {
    char *name, *data_dir, *train_dir, *val_dir, *test_dir, *predict_dir;
    double split_train, split_val;
    int64_t split_seed;
    int64_t batch_size, num_workers;
    bool shuffle, drop_last;
    int on_bad;
    double max_bad;
    int64_t max_pixels, pillow;
    const struct setting *train_transforms, *val_transforms;
};

struct config {
    struct setting *root; /* owns everything lent below */
    int64_t seed;
    char *run_name;       /* NAME of runs/NAME/VERSION; default: the model's name */
    struct trainer_options trainer;
    struct model_settings model;
    struct data_settings data;
    const struct optimizer *optimizer;
    int optimizer_id;
    void *optimizer_options;
    struct texts no_decay;
    struct lr_policy lr;
    const struct setting *train_metrics, *val_metrics, *test_metrics; /* for metric_set_read; checked already */
};

/* files: later ones win; overrides: "--trainer.max_epochs 3" as pairs key, value. Every error is LT_EUSAGE with file:line, the dotted path
 * and the nearest valid key. A key whose feature does not exist yet is refused with a sentence that says so. */
enum lt_err config_read(struct config **self, char *const *file, size_t files, char *const *override, size_t overrides) LT_MUST_CHECK;

/* From the resolved YAML kept in a checkpoint or a run's config.yaml. */
enum lt_err config_parse(struct config **self, const char *yaml, const char *name) LT_MUST_CHECK;
void config_free(struct config *self);

/* Appends the resolved configuration: every key with its value; reading it back gives the same configuration. */
void config_write(struct text *out, const struct config *self);

/* The callbacks of a configuration (plus a model_checkpoint where none is configured, so that `last` always exists). */
struct callbacks {
    const struct callback **callback;
    void **self;
    const struct setting **where;
    size_t count;
};
enum lt_err callbacks_read(struct callbacks *self, const struct config *config, const char *const *known, size_t count) LT_MUST_CHECK;
void callbacks_release(struct callbacks *self);
