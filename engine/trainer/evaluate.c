/* Passes without training: validation, test, sanity check. Each sample counts once. */
#include "data/base/clock.h"
#include "engine/trainer/run.h"

static void evaluate_batch(struct run *run, const struct batch *batch, struct metric_set *metrics)
{
    struct outcome *room = &run->outcome[0]; /* every training outcome was collected before */
    feed_batch(run, batch);
    struct plan_step step = {.n = batch->n, .sample = batch->sample, .epoch = (uint32_t)run->at.epoch};
    plan_evaluate(run->plan, &step);
    plan_read(run->plan, run->loss, room->loss, batch->n);
    plan_read(run->plan, run->predicted, room->predicted, batch->n);
    plan_synchronize(run->plan);
    int64_t begin = clock_ns();
    metric_set_add(metrics, room->loss, batch->target, room->predicted, batch->n);
    mistakes_add(&run->mistakes, batch, room->loss, room->predicted);
    span_end(SPAN_METRICS, begin);
}

enum lt_err evaluate_part(struct run *run, struct part *part, struct metric_set *metrics, int64_t batches)
{
    metric_set_clear(metrics);
    run->mistakes.count = 0;
    run->status.eval_batches = batches;
    LT_TRY(loader_start(part->loader, 0, 0, batches));
    for (int64_t i = 0; i < batches; i++) {
        const struct batch *batch;
        LT_TRY(loader_next(part->loader, &batch));
        lt_assert(batch);
        evaluate_batch(run, batch, metrics);
        run->status.eval_batch = i + 1;
        if (run->verb != RUN_FIT) continue;
        profile_read(run->profile);
        publish(run, run->status.stage, "");
        LT_TRY(step_boundary(run));
    }
    return LT_OK;
}

enum lt_err sanity_check(struct run *run)
{
    int64_t wanted = run->config->trainer.num_sanity_val_steps;
    int64_t batches = wanted < 0 || wanted > run->val.batches ? run->val.batches : wanted;
    if (batches == 0 || run_continues(run)) return LT_OK;
    run->status.eval_batch = 0;
    publish(run, STAGE_SANITY, "");
    int64_t begin = span_open(SPAN_SANITY);
    LT_TRY(evaluate_part(run, &run->val, &run->val_metrics, batches));
    span_end(SPAN_SANITY, begin);
    metric_set_clear(&run->val_metrics);
    return LT_OK;
}

enum lt_err validate(struct run *run)
{
    int64_t unspent[SPAN_PHASES], paused = run->pace.paused_ns;
    pace_hold(run, unspent);
    int64_t begin = span_open(SPAN_VALIDATION);
    run->status.eval_batch = 0;
    publish(run, STAGE_VALIDATION, "");
    LT_TRY(evaluate_part(run, &run->val, &run->val_metrics, run->val.batches));
    paused = run->pace.paused_ns - paused;
    pace_go_on(run, unspent);
    run->pace.phase_before[SPAN_VALIDATION] += paused; /* that much of the span to come is no validation */
    double seconds = (double)(span_end(SPAN_VALIDATION, begin) - begin - paused) * 1e-9;
    run->pace.validation_s = run->pace.validation_s > 0 ? 0.5 * (run->pace.validation_s + seconds) : seconds;
    run->at.validated = run->validated_this_epoch = true;
    record_metrics(run, &run->val_metrics, true);
    note_best(run);
    tell_validation(run);
    tell_callbacks(run, HOOK_VALIDATION_END);
    publish(run, STAGE_TRAIN, "");
    return LT_OK;
}
