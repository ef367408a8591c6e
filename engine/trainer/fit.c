/* The algorithm of a fit: epochs of accumulation windows, each ending in one update; validation where it is due. */
#include "data/base/clock.h"
#include "engine/trainer/run.h"

#include <math.h>
#include <string.h>

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

const char *end_at(const struct trainer_options *trainer, int64_t step, int64_t epoch)
{
    if (trainer->max_steps >= 0 && step >= trainer->max_steps) return "trainer.max_steps";
    return trainer->max_epochs >= 0 && epoch >= trainer->max_epochs ? "trainer.max_epochs" : NULL;
}

static bool steps_done(const struct run *run)
{
    int64_t max = run->trainer.max_steps;
    return max >= 0 && run->at.step >= max;
}

static bool time_is_up(const struct run *run)
{
    double max = run->trainer.max_time;
    return max > 0 && pace_elapsed_s(&run->pace) >= max;
}

double scheduled_rate(const struct run *run)
{
    const struct optimizer_choice *choice = &run->config->optimizer;
    return lr_policy_at(&run->lr, choice->optimizer->lr(choice->options), run->at.schedule);
}

double learning_rate(const struct run *run)
{
    return scheduled_rate(run) * rate_factor(&run->rate);
}

/* A stop that a callback asked for counts once min_epochs and min_steps are met, as Lightning's. */
static bool finished(const struct run *run)
{
    const struct trainer_options *trainer = &run->trainer;
    if (end_at(trainer, run->at.step, run->at.epoch) || time_is_up(run)) return true;
    return run->stop && run->at.epoch >= trainer->min_epochs && run->at.step >= trainer->min_steps;
}

/* Samples of the window that starts at `batch`: batches are full but for the last of the epoch. */
static int64_t window_samples(const struct run *run, int64_t batch, int64_t last)
{
    int64_t size = run->config->data.batch_size;
    return least(last * size, run->train.view.count) - batch * size;
}

static enum lt_err train_batch(struct run *run, struct outcome *outcome, struct plan_step *step)
{
    const struct batch *batch;
    LT_TRY(loader_next(run->train.loader, &batch));
    lt_assert(batch && batch->number == run->at.batch);
    feed_batch(run, batch);
    if (step->first) shown_take(run, batch);
    step->n = batch->n;
    step->sample = batch->sample;
    plan_forward(run->plan, step);
    plan_backward(run->plan, step);
    plan_read(run->plan, run->loss, outcome->loss + outcome->n, batch->n);
    plan_read(run->plan, run->predicted, outcome->predicted + outcome->n, batch->n);
    memcpy(outcome->target + outcome->n, batch->target, (size_t)batch->n * sizeof *batch->target);
    memcpy(outcome->sample + outcome->n, batch->sample, (size_t)batch->n * sizeof *batch->sample);
    outcome->n += batch->n;
    run->at.batch++;
    return LT_OK;
}

static bool is_watched(const struct run *run, int64_t step)
{
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const struct callback *callback = run->callbacks.callback[i];
        if (callback->watches && callback->watches(run->callbacks.self[i], step)) return true;
    }
    return false;
}

static void update(struct run *run, struct outcome *outcome)
{
    const double lr = learning_rate(run);
    const double group_lr[OPTIMIZER_GROUPS_MAX] = {lr, lr, lr, lr};
    const int64_t step = run->at.step + 1;
    const bool watched = is_watched(run, step);
    if (watched) plan_watch(run->plan);
    plan_update(run->plan, group_lr, step);
    plan_read_norms(run->plan, outcome->norm);
    outcome->is_watched = outcome->watched.zeros && (watched || !isfinite(outcome->norm[run->parameters]));
    if (outcome->is_watched) plan_read_watched(run->plan, &outcome->watched);
    outcome->lr = lr;
}

/* One update: the micro-batches of its window forward and backward, then norms, clipping and the optimizer. */
static enum lt_err run_window(struct run *run)
{
    const struct config *config = run->config;
    struct outcome *outcome = &run->outcome[run->at.step % 2];
    int64_t first = run->at.batch, last = least(first + run->trainer.accumulate_grad_batches, run->train.batches);
    outcome->n = 0;
    struct plan_step step = {.epoch = (uint32_t)run->at.epoch,
                             .loss_weight = 1.0 / (double)window_samples(run, first, last)};
    for (int64_t batch = first; batch < last; batch++) {
        step.first = batch == first;
        step.last = batch == last - 1;
        LT_TRY(train_batch(run, outcome, &step));
        if (!step.last) profile_read(run->profile);
    }
    update(run, outcome);
    outcome->step = ++run->at.step;
    outcome->pending = true;
    run->at.validated = false;
    if (config->lr.interval == SCHEDULE_STEP || run->at.batch == run->train.batches) run->at.schedule++;
    pace_step(run, outcome->n);
    memcpy(outcome->phase_ms, run->pace.phase_ms, sizeof outcome->phase_ms);
    return collect(run, &run->outcome[run->at.step % 2]); /* the step before: this one may still be computing */
}

static enum lt_err train_window(struct run *run)
{
    int64_t begin = span_open(SPAN_STEP);
    enum lt_err err = run_window(run);
    span_end(SPAN_STEP, begin);
    return err;
}

/* Does a validation point lie in the window that ended at at.batch, and is it still to do? */
static bool validation_due(const struct run *run)
{
    const struct trainer_options *trainer = &run->trainer;
    if (run->val.batches == 0 || run->at.validated || run->at.batch == 0) return false;
    if ((run->at.epoch + 1) % trainer->check_val_every_n_epoch != 0) return false;
    int64_t every = amount_of(trainer->val_check_interval, run->train.batches);
    if (every < 1) every = 1;
    int64_t window = trainer->accumulate_grad_batches, end = run->at.batch;
    int64_t begin = (end - 1) / window * window;
    return end / every > begin / every;
}

/* Epoch metrics; then the epoch counts as done and callbacks decide. An epoch cut short by max_steps or max_time keeps
 * its place, so that a resumed run goes on where this one stopped. */
static void end_epoch(struct run *run, int64_t first_step, double began)
{
    record_metrics(run, &run->train_metrics, false);
    log_epoch(run->log, &(struct log_epoch_row){run->at.epoch, first_step, run->at.step, began, clock_wall()});
    if (run->at.batch == run->train.batches) {
        run->at.epoch++;
        run->at.batch = 0;
        metric_set_clear(&run->train_metrics);
    }
    tell_callbacks(run, HOOK_TRAIN_EPOCH_END);
    run->validated_this_epoch = false;
}

/* Where the batches of this epoch end that are to be trained on, as things stand: max_steps may come first. */
static int64_t end_of_batches(const struct run *run)
{
    const int64_t left = run->trainer.max_steps - run->at.step, batches = run->train.batches;
    if (run->trainer.max_steps < 0 || left >= batches) return batches;
    return least(batches, run->at.batch + left * run->trainer.accumulate_grad_batches);
}

static enum lt_err bring_batches(struct run *run)
{
    run->brought = (struct brought){run->at.epoch, end_of_batches(run)};
    return loader_start(run->train.loader, run->at.epoch, run->at.batch, run->brought.end);
}

enum lt_err train_ahead(struct run *run)
{
    return finished(run) ? LT_OK : bring_batches(run);
}

static bool is_brought(const struct run *run)
{
    return run->brought.epoch == run->at.epoch && run->at.batch < run->brought.end;
}

static enum lt_err train_epoch(struct run *run)
{
    int64_t first_step = run->at.step;
    double began = clock_wall();
    run->epoch_now = run->at.epoch;
    publish(run, STAGE_TRAIN, "");
    for (;;) {
        if (validation_due(run)) {
            LT_TRY(collect_all(run));
            LT_TRY(validate(run));
        }
        if (run->at.batch == run->train.batches || steps_done(run) || time_is_up(run)) break;
        if (!is_brought(run)) LT_TRY(bring_batches(run));
        LT_TRY(train_window(run));
        LT_TRY(step_boundary(run));
    }
    LT_TRY(collect_all(run));
    end_epoch(run, first_step, began);
    return LT_OK;
}

/* From wherever run->at stands to the end. */
enum lt_err train(struct run *run)
{
    LT_TRY(sanity_check(run));
    tell_callbacks(run, HOOK_TRAIN_START);
    pace_start(run);
    while (!finished(run)) LT_TRY(train_epoch(run));
    tell_callbacks(run, HOOK_TRAIN_END);
    return LT_OK;
}
