/* The state of a run in a checkpoint, and back. Weights and optimizer states are checkpoint.h's; everything else is
 * here, as JSON. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/text.h"
#include "engine/trainer/branch.h"
#include "engine/trainer/live.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static json_t *save_position(const struct run *run)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "epoch", (json_int_t)run->at.epoch, "batch",
                     (json_int_t)run->at.batch, "global_step", (json_int_t)run->at.step, "schedule_steps",
                     (json_int_t)run->at.schedule, "schedule_total", (json_int_t)run->lr.total, "validated",
                     (int)run->at.validated);
}

/* JSON has no NaN or infinity: those values are texts. */
static json_t *save_number(double value)
{
    if (isfinite(value)) return json_real(value);
    return json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static double load_number(const json_t *json)
{
    return json_is_string(json) ? strtod(json_string_value(json), NULL) : json_number_value(json);
}

static json_t *save_values(const struct run *run)
{
    json_t *values = json_object();
    for (size_t i = 0; i < run->values; i++) {
        if (run->value[i].step < 0) continue;
        json_t *pair = json_array();
        json_array_append_new(pair, json_integer(run->value[i].step));
        json_array_append_new(pair, save_number(run->value[i].value));
        json_object_set_new(values, run->value[i].name, pair);
    }
    return values;
}

static json_t *save_callbacks(const struct run *run)
{
    json_t *all = json_array();
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const struct callback *callback = run->callbacks.callback[i];
        json_t *state = callback->save ? callback->save(run->callbacks.self[i]) : json_null();
        json_array_append_new(all, json_pack("{s:s, s:o}", "name", callback->name, "state", state));
    }
    return all;
}

static json_t *save_classes(const struct set *set)
{
    json_t *classes = json_array();
    for (int32_t i = 0; i < set->classes; i++) json_array_append_new(classes, json_string(set->class_name[i]));
    return classes;
}

static json_t *save_state(const struct run *run)
{
    struct text yaml = {0};
    config_write(&yaml, run->config);
    char hash[32];
    snprintf(hash, sizeof hash, "%016" PRIx64, run->data_hash);
    json_t *state = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:f}", "format", "lathe-checkpoint", "format_version", 1,
                              "lathe_version", LATHE_VERSION, "instruction_set",
                              run->backend->instruction_set(run->device), "config", text_get(&yaml), "data_hash", hash,
                              "elapsed_s", pace_elapsed_s(&run->pace));
    json_object_set_new(state, "position", save_position(run));
    json_object_set_new(state, "lr_factors", rate_save(&run->rate));
    json_object_set(state, "settings", run->live);
    json_object_set_new(state, "classes", save_classes(run_classes(run)));
    json_object_set_new(state, "values", save_values(run));
    json_object_set_new(state, "train_metrics", metric_set_save(&run->train_metrics));
    json_object_set_new(state, "callbacks", save_callbacks(run));
    json_object_set_new(state, "best",
                        json_pack("{s:o, s:I}", "value", save_number(run->best), "step", (json_int_t)run->best_step));
    text_release(&yaml);
    return state;
}

bool save_checkpoint(struct run *run, const char *path)
{
    lt_assert(!run->outcome[0].pending && !run->outcome[1].pending);
    int64_t begin = clock_ns();
    enum run_stage stage = run->status.stage;
    char doing[96];
    snprintf(doing, sizeof doing, "writing %.70s", path);
    publish(run, STAGE_SAVE, doing);
    log_flush(run->log);
    json_t *state = save_state(run);
    enum lt_err err = checkpoint_save(path, run->plan, state);
    json_decref(state);
    run->pace.last_save_ns = clock_ns();
    span_end(SPAN_CHECKPOINT, begin);
    struct stat st = {0};
    size_t folder = strlen(run->folder);
    const char *shown = strncmp(path, run->folder, folder) == 0 && path[folder] == '/' ? path + folder + 1 : path;
    if (err == LT_OK && stat(path, &st) == 0)
        log_event(run->log, EVENT_CHECKPOINT, LEVEL_INFO, run->at.step, "saved %s (%.1f MB, %.0f ms)", shown,
                  (double)st.st_size * 1e-6, (double)(run->pace.last_save_ns - begin) * 1e-6);
    else
        log_event(run->log, EVENT_CHECKPOINT, LEVEL_SEVERE, run->at.step,
                  "checkpoint not saved: %s; training goes on, earlier "
                  "checkpoints are untouched",
                  lt_message());
    publish(run, stage, "");
    run->unsaved = err != LT_OK;
    return err == LT_OK;
}

static void load_values(struct run *run)
{
    const char *name;
    json_t *pair;
    json_object_foreach(json_object_get(run->resume, "values"), name, pair)
    {
        declare(run, name);
        for (size_t i = 0; i < run->values; i++) {
            if (strcmp(run->value[i].name, name) != 0) continue;
            run->value[i].step = json_integer_value(json_array_get(pair, 0));
            run->value[i].value = load_number(json_array_get(pair, 1));
        }
    }
}

/* What callbacks know; another list of them starts anew. */
static enum lt_err load_callbacks(struct run *run)
{
    if (branch_changes(run, "trainer.callbacks")) return LT_OK;
    size_t index;
    json_t *saved;
    bool used[64] = {false};
    json_array_foreach(json_object_get(run->resume, "callbacks"), index, saved)
    {
        const char *name = json_string_value(json_object_get(saved, "name"));
        const json_t *state = json_object_get(saved, "state");
        for (size_t i = 0; name && i < run->callbacks.count && i < 64; i++) {
            const struct callback *callback = run->callbacks.callback[i];
            if (used[i] || strcmp(callback->name, name) != 0) continue;
            used[i] = true;
            if (callback->load && !json_is_null(state)) LT_TRY(callback->load(run->callbacks.self[i], state));
            break;
        }
    }
    for (size_t i = 0; run->branch && i < run->callbacks.count; i++)
        if (run->callbacks.callback[i]->on_branch) run->callbacks.callback[i]->on_branch(run->callbacks.self[i]);
    return LT_OK;
}

/* Where training stands. The schedule was stepped with each step or each epoch, as it is configured now. */
static void load_position(struct run *run, const json_t *position)
{
    run->at.epoch = json_integer_value(json_object_get(position, "epoch"));
    run->at.batch = json_integer_value(json_object_get(position, "batch"));
    run->at.step = json_integer_value(json_object_get(position, "global_step"));
    run->at.schedule = json_integer_value(json_object_get(position, "schedule_steps"));
    run->at.validated = json_is_true(json_object_get(position, "validated"));
    if (run->branch) run->at.schedule = run->lr.interval == SCHEDULE_STEP ? run->at.step : run->at.epoch;
}

/* The best value is that of a file; a branch has none yet. */
static void load_best(struct run *run)
{
    const json_t *best = json_object_get(run->resume, "best");
    if (run->branch) return;
    run->best = load_number(json_object_get(best, "value"));
    run->best_step = json_integer_value(json_object_get(best, "step"));
}

/* What a person made of the rate holds on; but a branch that names a rate means that one. */
static enum lt_err load_rate(struct run *run)
{
    const struct setting *lr = setting_find(run->config->root, "optimizer.lr");
    if (run->branch && lr && strcmp(lr->file, "command line") == 0) return LT_OK;
    return rate_load(&run->rate, json_object_get(run->resume, "lr_factors"));
}

enum lt_err restore_checkpoint(struct run *run)
{
    const json_t *position = json_object_get(run->resume, "position");
    if (!json_is_object(position))
        return lt_fail(LT_EFORMAT,
                       "%s holds weights but no position of a run; use it as model.weights instead of resuming",
                       run->resume_path);
    load_position(run, position);
    if (run->at.epoch < 0 || run->at.batch < 0 || run->at.batch > run->train.batches || run->at.step < 0)
        return lt_fail(LT_EFORMAT,
                       "%s stands at epoch %" PRId64 ", batch %" PRId64 ", but an epoch has %" PRId64 " batches now; "
                       "data.batch_size and limits must be as they were",
                       run->resume_path, run->at.epoch, run->at.batch, run->train.batches);
    run->pace.elapsed_before_ns = (int64_t)(json_number_value(json_object_get(run->resume, "elapsed_s")) * 1e9);
    load_best(run);
    load_values(run);
    LT_TRY(load_rate(run));
    if (!run->branch || run->at.batch > 0)
        LT_TRY(metric_set_load(&run->train_metrics, json_object_get(run->resume, "train_metrics")));
    LT_TRY(load_callbacks(run));
    LT_TRY(live_restore(run, json_object_get(run->resume, "settings")));
    plan_steps(run);
    return checkpoint_load(run->plan, run->resume_path, true);
}
