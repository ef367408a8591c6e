/* How fast it goes, where the time of a step goes, and how long it will take; published for viewers. */
#include "data/base/clock.h"
#include "engine/trainer/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double smooth(double old, double new, double share)
{
    return old > 0 ? old + share * (new - old) : new;
}

static void read_phases(int64_t total_ns[SPAN_PHASES])
{
    int64_t calls;
    for (int i = 0; i < SPAN_PHASES; i++) span_total(i, &calls, &total_ns[i]);
}

void pace_start(struct run *run)
{
    struct pace *pace = &run->pace;
    pace->started_ns = pace->step_began_ns = pace->last_save_ns = clock_ns();
    read_phases(pace->phase_before);
    profile_note_usage(run);
}

void pace_hold(const struct run *run, int64_t unspent_ns[SPAN_PHASES])
{
    read_phases(unspent_ns);
    for (int i = 0; i < SPAN_PHASES; i++) unspent_ns[i] -= run->pace.phase_before[i];
}

void pace_go_on(struct run *run, const int64_t unspent_ns[SPAN_PHASES])
{
    read_phases(run->pace.phase_before);
    for (int i = 0; i < SPAN_PHASES; i++) run->pace.phase_before[i] -= unspent_ns[i];
}

double pace_elapsed_s(const struct pace *pace)
{
    int64_t now = pace->started_ns ? clock_ns() - pace->started_ns - pace->paused_ns : 0;
    return (double)(pace->elapsed_before_ns + now) * 1e-9;
}

/* Phases that lie between steps and do not count as the step's own time. */
static double between_steps_ms(const double phase_ms[SPAN_PHASES])
{
    return phase_ms[SPAN_VALIDATION] + phase_ms[SPAN_CHECKPOINT];
}

/* Fills in phase_ms for the step that ends now; what no phase recorded is SPAN_OTHER. */
static void split_step(struct pace *pace, double wall_ms)
{
    int64_t total[SPAN_PHASES];
    read_phases(total);
    for (int i = 0; i < SPAN_PHASES; i++) {
        pace->phase_ms[i] = (double)(total[i] - pace->phase_before[i]) * 1e-6;
        pace->phase_before[i] = total[i];
    }
    pace->phase_ms[SPAN_CALLBACKS] = fmax(0, pace->phase_ms[SPAN_CALLBACKS] -
                                                 pace->phase_ms[SPAN_CHECKPOINT]); /* saves lie inside */
    double rest_ms = wall_ms;
    for (int i = 0; i < SPAN_OTHER; i++) rest_ms -= pace->phase_ms[i];
    pace->phase_ms[SPAN_OTHER] = fmax(0, rest_ms);
}

void pace_step(struct run *run, int64_t samples)
{
    struct pace *pace = &run->pace;
    int64_t now = clock_ns();
    double wall_ms = (double)(now - pace->step_began_ns) * 1e-6;
    split_step(pace, wall_ms);
    profile_sample(run, wall_ms);
    double ms = wall_ms - between_steps_ms(pace->phase_ms);
    pace->step_began_ns = now;
    if (ms <= 0) return;
    double share = fmin(1, fmax(0.02, ms / 1000)); /* a mean over about the last second, at least a few steps */
    pace->step_s = smooth(pace->step_s, ms * 1e-3, share);
    pace->samples_per_s = smooth(pace->samples_per_s, (double)samples / (ms * 1e-3), share);
    for (int i = 0; i < SPAN_PHASES; i++)
        pace->status_phase_ms[i] += (pace->step_s > 0 ? share : 1) * (pace->phase_ms[i] - pace->status_phase_ms[i]);
    publish(run, STAGE_TRAIN, "");
}

/* Steps still to do at the newest pace, plus the validations on the way. */
static double seconds_left(const struct run *run)
{
    const struct trainer_options *trainer = &run->trainer;
    if (run->steps_planned <= 0 || run->pace.step_s <= 0) return -1;
    double steps = (double)(run->steps_planned - run->at.step);
    double epochs = steps / (double)run->steps_per_epoch;
    double validations = run->val.batches > 0 ? ceil(epochs / (double)trainer->check_val_every_n_epoch) : 0;
    return steps * run->pace.step_s + validations * run->pace.validation_s;
}

void publish(struct run *run, enum run_stage stage, const char *doing)
{
    struct run_status *status = &run->status;
    const struct trainer_options *trainer = &run->trainer;
    status->stage = stage;
    snprintf(status->doing, sizeof status->doing, "%s", doing);
    status->step = run->at.step;
    status->steps = run->steps_planned;
    status->epoch = run->at.epoch;
    status->epochs = trainer->max_epochs > 0 ? trainer->max_epochs : 0;
    status->batch = run->at.batch;
    status->batches = run->train.batches;
    if (stage != STAGE_VALIDATION && stage != STAGE_SANITY && stage != STAGE_SAVE)
        status->eval_batch = status->eval_batches = 0;
    status->samples_per_s = run->pace.samples_per_s;
    status->elapsed_s = pace_elapsed_s(&run->pace);
    status->paused_s = (double)run->pace.paused_ns * 1e-9;
    status->left_s = seconds_left(run);
    status->loss = run->loss_now;
    status->lr = learning_rate(run);
    status->lr_factor = rate_factor(&run->rate);
    status->clip_value = run_clip(run) == CLIP_NORM ? trainer->gradient_clip_val : 0;
    status->best = run->best;
    memcpy(status->phase_ms, run->pace.status_phase_ms, sizeof status->phase_ms);
    status->step_ms = run->pace.step_s * 1e3;
    if (run->train.loader) {
        struct loader_status loader = loader_status(run->train.loader);
        status->queued = loader.queued;
        status->ring = loader.ring;
        status->bad_files = loader.bad;
    }
    if (!run->log) return;
    log_status(run->log, status);
    profile_usage(run);
}
