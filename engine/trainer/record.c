/* Numbers on their way from the device to the log and to callbacks, and the watch for non-finite ones. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/trainer/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static enum metric_goal goal_of(const char *name)
{
    if (ends_in(name, "/loss")) return GOAL_MIN;
    return strchr(name, '/') ? GOAL_MAX : GOAL_NONE;
}

static size_t find_value(struct run *run, const char *name)
{
    for (size_t i = 0; i < run->values; i++)
        if (strcmp(run->value[i].name, name) == 0) return i;
    size_t capacity = run->value_capacity;
    run->value = memory_grow(run->value, run->values, &capacity, sizeof *run->value);
    run->value_metric = memory_grow(run->value_metric, run->values, &run->value_capacity, sizeof *run->value_metric);
    run->value[run->values] = (struct logged_value){.name = memory_text(name), .value = NAN, .step = -1};
    run->value_metric[run->values] = -1;
    return run->values++;
}

static struct metric_info info_of(const char *name)
{
    return (struct metric_info){.name = name, .unit = "", .description = "", .goal = goal_of(name)};
}

struct metric_info *declared(const struct run *run)
{
    struct metric_info *info = memory_new(run->values, sizeof *info);
    for (size_t i = 0; i < run->values; i++) info[i] = info_of(run->value[i].name);
    return info;
}

void declare(struct run *run, const char *name)
{
    size_t i = find_value(run, name);
    if (!run->log || run->value_metric[i] >= 0) return;
    const struct metric_info info = info_of(name);
    run->value_metric[i] = log_metric(run->log, &info);
}

static void declare_set(struct run *run, const struct metric_set *metrics)
{
    char name[96];
    snprintf(name, sizeof name, "%s/loss", metrics->stage);
    declare(run, name);
    for (size_t i = 0; i < metrics->count; i++) {
        snprintf(name, sizeof name, "%s/%s", metrics->stage, metrics->metric[i]->short_name);
        declare(run, name);
    }
}

void declare_all(struct run *run)
{
    declare_set(run, &run->train_metrics);
    if (run->val.batches > 0) declare_set(run, &run->val_metrics);
    declare(run, "lr");
    declare(run, "grad_norm");
}

void record(struct run *run, const char *name, int64_t step, double value)
{
    declare(run, name);
    size_t i = find_value(run, name);
    run->value[i].value = value;
    run->value[i].step = step;
    log_scalar(run->log, run->value_metric[i], step, value);
}

void record_metrics(struct run *run, const struct metric_set *metrics, bool with_loss)
{
    char name[96];
    if (metrics->samples == 0) return;
    if (with_loss) {
        snprintf(name, sizeof name, "%s/loss", metrics->stage);
        record(run, name, run->at.step, metric_set_loss(metrics));
    }
    for (size_t i = 0; i < metrics->count; i++) {
        snprintf(name, sizeof name, "%s/%s", metrics->stage, metrics->metric[i]->short_name);
        record(run, name, run->at.step, metric_set_value(metrics, i));
    }
}

static double mean(const float *value, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)value[i];
    return sum / (double)n;
}

/* The first trained parameter, in model order, whose gradient norm is not finite; -1 when all are. */
static int64_t first_offender(const struct run *run, const double *norm)
{
    for (int64_t i = 0; i < run->parameters; i++)
        if (!isfinite(norm[i])) return i;
    return -1;
}

/* A JSON file beside the log: what was not finite, where first, and on which pictures. */
static void write_evidence(struct run *run, const struct outcome *outcome, const char *layer)
{
    struct text name = {0};
    text_add(&name, "%s/nonfinite-step=%" PRId64 ".json", run->folder, outcome->step);
    json_t *files = json_array(), *norms = json_object();
    for (int64_t i = 0; i < outcome->n; i++)
        json_array_append_new(files, json_string(run->train.set->sample[outcome->sample[i]].path));
    for (int64_t i = 0; i < run->parameters; i++)
        if (!isfinite(outcome->norm[i]))
            json_object_set_new(norms, run->parameter_name[i], json_string(isnan(outcome->norm[i]) ? "nan" : "inf"));
    char loss[32];
    snprintf(loss, sizeof loss, "%g", run->loss_now);
    json_t *evidence = json_pack("{s:I, s:I, s:s, s:s, s:o, s:o}", "step", (json_int_t)outcome->step, "epoch",
                                 (json_int_t)run->at.epoch, "loss", loss, "first_layer", layer, "gradient_norms", norms,
                                 "files", files);
    char *text = json_dumps(evidence, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    if (!text || path_write_atomic(text_get(&name), text, strlen(text)) != LT_OK)
        log_event(run->log, EVENT_NONFINITE, LEVEL_SEVERE, outcome->step, "evidence not saved: %s", lt_message());
    free(text);
    json_decref(evidence);
    text_release(&name);
}

static enum lt_err stop_on_nonfinite(struct run *run, const struct outcome *outcome)
{
    int64_t first = first_offender(run, outcome->norm);
    const char *layer = first >= 0 ? run->parameter_name[first] : "the loss";
    write_evidence(run, outcome, layer);
    char *last = path_join(run->checkpoint_folder, "last.ckpt");
    bool saved = path_exists(last);
    free(last);
    log_event(run->log, EVENT_NONFINITE, LEVEL_SEVERE, outcome->step, "loss %g, gradient norm %g, first in %s",
              run->loss_now, fabs(outcome->norm[run->parameters]), layer);
    return lt_fail(LT_ENONFINITE,
                   "stopped at step %" PRId64 ": loss %g, gradient norm %g, not finite first in %s; the pictures of "
                   "this step are listed in %s/nonfinite-step=%" PRId64 ".json; lower optimizer.lr or set "
                   "trainer.gradient_clip_val, then %s%s",
                   outcome->step, run->loss_now, fabs(outcome->norm[run->parameters]), layer, run->folder,
                   outcome->step, saved ? "go on from the last checkpoint with --resume " : "start again",
                   saved ? run->folder : "");
}

enum lt_err collect(struct run *run, struct outcome *outcome)
{
    if (!outcome->pending) return LT_OK;
    outcome->pending = false;
    plan_synchronize(run->plan);
    int64_t step = outcome->step, every = run->trainer.log_every_n_steps;
    run->loss_now = mean(outcome->loss, outcome->n);
    run->lr_now = outcome->lr;
    run->norm_now = outcome->norm;
    shown_tell(run, outcome);
    run->watched_now = outcome->is_watched ? &outcome->watched : NULL;
    metric_set_add(&run->train_metrics, outcome->loss, outcome->target, outcome->predicted, outcome->n);
    bool finite = isfinite(run->loss_now) && isfinite(outcome->norm[run->parameters]);
    if (!finite || (every > 0 && step % every == 0)) {
        int64_t begin = clock_ns();
        record(run, "train/loss", step, run->loss_now);
        record(run, "lr", step, outcome->lr);
        record(run, "grad_norm", step, outcome->norm[run->parameters]);
        log_family(run->log, FAMILY_PHASE, step, outcome->phase_ms);
        span_end(SPAN_LOG, begin);
    }
    int64_t at = run->at.step; /* callbacks are told of the step that was read, not of the one still computing */
    run->at.step = step;
    tell_callbacks(run, HOOK_STEP);
    run->at.step = at;
    return finite ? LT_OK : stop_on_nonfinite(run, outcome);
}

enum lt_err collect_all(struct run *run)
{
    LT_TRY(collect(run, &run->outcome[run->at.step % 2]));
    return collect(run, &run->outcome[(run->at.step + 1) % 2]);
}
