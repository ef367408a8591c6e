/* The inside of a run, shared by the files of trainer/: what is open, where training stands, what the last step left to
 * be read. Invariant: `at` names the next batch to train; it is saved in checkpoints, and everything random is a
 * function of it and the seed. Thread: the trainer's. */
#pragma once

#include "data/data.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "engine/graph/plan.h"
#include "engine/log/control.h"
#include "engine/metrics/metric.h"
#include "engine/models/model.h"
#include "engine/trainer/rate.h"
#include "profiler/probes/usage.h"
#include "profiler/profiler.h"

#include <jansson.h>

/* One stage's data: which set, which samples of it in which transforms, how many batches of them a pass takes. */
struct part {
    struct set *set;
    bool borrowed; /* the set belongs to another part */
    struct view view;
    struct loader *loader; /* NULL until the machine is open */
    int64_t batches;       /* of one pass, limits applied; 0 = the stage does not run */
};

/* What one update left behind on the device, read back one step later. Room for a whole accumulation window. */
struct outcome {
    bool pending;
    int64_t step, n;
    float *loss;
    int32_t *predicted, *target;
    int64_t *sample;
    double *norm;
    bool is_watched;             /* `watched` holds something */
    struct plan_watched watched; /* NULL pointers where no callback watches */
    double lr;
    double phase_ms[SPAN_PHASES]; /* where the step's time went */
};

/* Wrongly classified samples of a validation, the greatest loss first. */
enum { MISTAKES_MAX = 24 };
struct mistake {
    int64_t sample; /* index in the set */
    int32_t target, predicted;
    float loss;
};
struct mistakes {
    struct mistake item[MISTAKES_MAX];
    int count;
};

/* Pictures of one batch, small: as the model gets them, for screens. */
enum { SHOWN_MAX = 16, SHOWN_SIDE = 64 };
struct shown {
    bool asked;
    bool held;      /* taken, to be told once their step is read back */
    int64_t due_ns; /* when to take some unasked */
    int64_t step;   /* the update they are trained in */
    int64_t count;  /* the first ones of the step's first batch */
    int height, width;
    uint8_t rgb[SHOWN_MAX * SHOWN_SIDE * SHOWN_SIDE * 3];
};

struct position {
    int64_t epoch, batch; /* the next batch to train */
    int64_t step;         /* updates applied */
    int64_t schedule;     /* steps of the learning-rate schedule */
    bool validated;       /* a validation at exactly this place is done */
};

/* The training batches that the loader was told to bring: those of `epoch` before `end`. */
struct brought {
    int64_t epoch, end;
};

/* What the process had used up to the last step. */
struct usage_before {
    double cpu_ms, faults, switches;
};

/* Where time went, for rates and estimates. */
struct pace {
    int64_t started_ns, paused_ns, elapsed_before_ns; /* elapsed_before: of the run this one continues */
    int64_t step_began_ns;
    double step_s, validation_s; /* smoothed seconds of one step (validation not included), of one validation */
    double samples_per_s;
    int64_t phase_before[SPAN_PHASES];
    double phase_ms[SPAN_PHASES];        /* of the last step; SPAN_OTHER is what the others leave */
    double status_phase_ms[SPAN_PHASES]; /* smoothed */
    int64_t last_save_ns;
    struct usage_before usage;
    int64_t profile_due_ns, usage_due_ns; /* when screens are to hear of them next */
    int64_t usages;                       /* how often that of the machine was taken */
    double others;                        /* sum over them: cores that other programs kept busy */
};

struct run {
    enum run_verb verb;
    const struct config *config;
    struct trainer_options trainer; /* as configured, but for what was set since (live.h); its texts are config's */
    json_t *live;                   /* what was set: see live.h */
    const struct model *model;
    int argc;
    char **argv;

    struct pipeline *train_pipeline, *val_pipeline;
    struct part train, val, test;
    int64_t *split;         /* indices of train, then val, then the rest; NULL when folders are given apart */
    const char *test_words; /* which data `test` uses, for people */
    uint64_t data_hash;

    char *folder, *name, *checkpoint_folder;
    json_t *resume; /* state of the checkpoint we start from, or NULL */
    char *resume_path;
    json_t *branch; /* of a branch: see branch.h */
    bool changed_data_allowed;

    const struct backend *backend;
    struct device *device;
    struct plan *plan;
    struct value *logits, *loss, *predicted; /* of the plan's graph */
    const char **parameter_name;             /* of norm[], trained parameters only */
    int64_t parameters;
    size_t image_bytes; /* of one sample */

    struct metric_set train_metrics, val_metrics;
    struct mistakes mistakes; /* of the newest validation */
    struct shown shown;
    struct callbacks callbacks;
    struct logged_value *value;
    int *value_metric; /* log id of value[i], -1 before the log is open */
    size_t values, value_capacity;

    struct mailbox *mailbox;
    struct log *log;
    struct run_status status;
    struct pace pace;
    struct profile *profile; /* of a fit */
    struct usage *usage;     /* the same: of the machine */

    struct position at;
    struct brought brought;
    int64_t steps_per_epoch, steps_planned;
    struct lr_policy lr; /* the configuration's, with the total of this run; borrows its options */
    struct rate rate;    /* what a person made of it */
    struct outcome outcome[2];
    double loss_now;                        /* of the newest step read back; NaN before */
    double lr_now;                          /* the same */
    const double *norm_now;                 /* the same */
    const struct plan_watched *watched_now; /* the same; NULL: it was not watched */
    int64_t epoch_now;                      /* the epoch hooks are told */
    bool validated_this_epoch;
    double best; /* of the monitored metric; NaN = none yet */
    int64_t best_step;
    bool unsaved;     /* the newest attempt to write a checkpoint failed */
    bool pause_again; /* after the validation asked for while paused */
    bool stop;        /* a callback asked for it */
    char *stop_reason;
    enum lt_err ended_by; /* LT_EINTERRUPTED, LT_ETERMINATED: by request */
};

/* Whether it goes on in the folder of the checkpoint it starts from; a branch does not. */
bool run_continues(const struct run *run);

/* ---- open.c: data, checks; machine.c: device, plan, loaders ---- */
enum lt_err open_data(struct run *run) LT_MUST_CHECK;

/* How many steps the run will have made at its end, and what that means for the schedule; by run->trainer, from where
 * training stands. */
void plan_steps(struct run *run);

/* How many batches a validation takes. */
void count_validation(struct run *run);
enum lt_err open_machine(struct run *run) LT_MUST_CHECK;
void close_machine(struct run *run);

/* How gradients are clipped; the value is run->trainer's. */
enum clip_algorithm run_clip(const struct run *run);

/* Builds the training graph (image -> normalize -> model -> cross entropy) at the batch capacity, with what is frozen;
 * fills logits, loss, predicted. The caller frees the graph or gives it to a plan. */
enum lt_err build_graph(struct graph **graph, struct run *run) LT_MUST_CHECK;

/* Compiles the configured plan on a device of run->backend; dry: only to be looked at. */
enum lt_err build_plan(struct plan **plan, struct run *run, struct device *device, bool dry) LT_MUST_CHECK;

/* ---- forecast.c: what a fit will need; refuses what cannot fit in memory or on the disk ---- */
enum lt_err check_room(struct run *run) LT_MUST_CHECK;

/* Copies a batch's pixels and targets to the plan's inputs. */
void feed_batch(struct run *run, const struct batch *batch);

/* The set that names the classes of the run. */
const struct set *run_classes(const struct run *run);

/* The base rate times the schedule, where training stands; and that times what a person set. */
double scheduled_rate(const struct run *run);
double learning_rate(const struct run *run);

/* ---- fit.c: trains from run->at to the end ---- */

/* The key of the setting that ends training after so many steps and epochs; NULL: none does. */
const char *end_at(const struct trainer_options *trainer, int64_t step, int64_t epoch);

/* Lets the loader begin on the first batches, from run->at; for as soon as that is known, so that they are decoded
 * while the rest of the start goes on. */
enum lt_err train_ahead(struct run *run) LT_MUST_CHECK;
enum lt_err train(struct run *run) LT_MUST_CHECK;

/* ---- evaluate.c: one pass over a part without training; sums go to `metrics` ---- */
enum lt_err evaluate_part(struct run *run, struct part *part, struct metric_set *metrics,
                          int64_t batches) LT_MUST_CHECK;

/* Validation inside a fit: evaluates, logs, tells callbacks. */
enum lt_err validate(struct run *run) LT_MUST_CHECK;
enum lt_err sanity_check(struct run *run) LT_MUST_CHECK;

/* ---- record.c: numbers to log and callbacks ---- */

/* Declares a metric name, so that callbacks may ask for it and run.h5 has its place. */
void declare(struct run *run, const char *name);
void declare_all(struct run *run);

/* Those names so far as metrics of the log, [run->values]; their texts are the run's, the caller frees the array. */
struct metric_info *declared(const struct run *run);
void record(struct run *run, const char *name, int64_t step, double value);

/* Logs every metric of the set, and "STAGE/loss" too when `with_loss`. */
void record_metrics(struct run *run, const struct metric_set *metrics, bool with_loss);

/* Reads back what a step left (waits for the device), sums metrics, logs, watches for non-finite values, tells
 * callbacks. */
enum lt_err collect(struct run *run, struct outcome *outcome) LT_MUST_CHECK;

/* collect() on everything not read yet. */
enum lt_err collect_all(struct run *run) LT_MUST_CHECK;

/* ---- documents.c: what screens show besides numbers ---- */

/* Layers and classes; after a validation, its confusion matrix and mistakes. */
void tell_run(struct run *run);
void tell_validation(struct run *run);
void mistakes_add(struct mistakes *self, const struct batch *batch, const float *loss, const int32_t *predicted);

/* ---- shown.c: pictures of a batch for screens, when one asks and otherwise once a minute ---- */
void shown_take(struct run *run, const struct batch *batch);
void shown_tell(struct run *run, const struct outcome *outcome);

/* ---- start.c: remembers the best value of the monitored metric ---- */
void note_best(struct run *run);

/* ---- hooks.c: callbacks and their wishes ---- */
enum hook { HOOK_TRAIN_START, HOOK_STEP, HOOK_VALIDATION_END, HOOK_TRAIN_EPOCH_END, HOOK_TRAIN_END };
void tell_callbacks(struct run *run, enum hook hook);

/* ---- save.c: checkpoints ---- */

/* Writes a checkpoint of this very place; a failure is an event, not an error: training goes on. Returns whether it
 * worked. */
bool save_checkpoint(struct run *run, const char *path);

/* Fills position, values, metrics and callbacks from run->resume, and the plan from the file. */
enum lt_err restore_checkpoint(struct run *run) LT_MUST_CHECK;

/* ---- dry_run.c: what trainer.fast_dev_run adds; nothing of such a run stays ---- */
bool is_dry(const struct run *run);
enum lt_err try_checkpoint(struct run *run) LT_MUST_CHECK;
enum lt_err end_dry_run(const struct run *run) LT_MUST_CHECK;

/* ---- boundary.c: what happens between steps: signals, commands, pauses, timed checkpoints ---- */
enum lt_err step_boundary(struct run *run) LT_MUST_CHECK;
void report_bad_files(struct run *run);

/* ---- pace.c ---- */
void pace_start(struct run *run);
void pace_step(struct run *run, int64_t samples);
/* What phases record between these two belongs to no step. */
void pace_hold(const struct run *run, int64_t unspent_ns[SPAN_PHASES]);
void pace_go_on(struct run *run, const int64_t unspent_ns[SPAN_PHASES]);
void publish(struct run *run, enum run_stage stage, const char *doing);
double pace_elapsed_s(const struct pace *pace);

/* ---- profile.c ---- */

/* What the process uses from now on counts for the next step. */
void profile_note_usage(struct run *run);

/* A step is over; phases are in run->pace. */
void profile_sample(struct run *run, double wall_ms);

/* Tells screens what memory a step takes where. */
void profile_tell_memory(const struct run *run);

/* Logs what the machine and the process use, at most once a second. */
void profile_usage(struct run *run);

/* Tells screens what machine it is. */
void profile_tell_machine(const struct run *run);

/* Writes the advanced report and a trace into the run's folder; the time that takes is no step's. */
enum lt_err profile_export(struct run *run) LT_MUST_CHECK;

/* The run is over: writes what trainer.profiler asks for into its folder, and tells screens a last time. */
void profile_save(struct run *run);
