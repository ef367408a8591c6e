/* Starting and ending a run: its folder, its log, initial weights or a checkpoint, the sentence at the end. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/runtime.h"
#include "engine/trainer/branch.h"
#include "engine/trainer/live.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *run_folder(const struct run *run)
{
    return run->folder;
}

/* runs/NAME/version_N, the first N that does not exist. */
static enum lt_err make_new_folder(struct run *run)
{
    struct text parent = {0}, folder = {0};
    text_add(&parent, "%s/%s", run->config->trainer.default_root_dir, run->config->run_name);
    enum lt_err err = path_make_folder(text_get(&parent));
    for (int version = 0; err == LT_OK; version++) {
        text_clear(&folder);
        text_add(&folder, "%s/version_%d", text_get(&parent), version);
        if (mkdir(text_get(&folder), 0777) == 0) break;
        if (errno != EEXIST) err = lt_fail_errno("make the folder", text_get(&folder));
    }
    if (err == LT_OK) run->folder = text_detach(&folder);
    text_release(&folder);
    text_release(&parent);
    return err;
}

static enum lt_err write_config(const struct run *run)
{
    struct text yaml = {0};
    config_write(&yaml, run->config);
    char *path = path_join(run->folder, "config.yaml");
    enum lt_err err = path_write_atomic(path, text_get(&yaml), yaml.length);
    free(path);
    text_release(&yaml);
    return err;
}

enum lt_err run_make_folder(struct run *run)
{
    if (!run->folder && make_new_folder(run) != LT_OK)
        return lt_fail_in(LT_EIO,
                          "no folder for this run: set trainer.default_root_dir to a folder that can be written; ");
    run->checkpoint_folder = path_join(run->folder, "checkpoints");
    LT_TRY(path_make_folder(run->checkpoint_folder));
    const char *name = path_name(run->folder);
    const char *slash = name > run->folder ? name - 1 : name;
    while (slash > run->folder && slash[-1] != '/') slash--;
    run->name = memory_text(slash);
    return run_continues(run) ? LT_OK : write_config(run);
}

static enum lt_err open_log(struct run *run, const struct run_io *io)
{
    char device[64];
    snprintf(device, sizeof device, "%s %s, %d threads", run->config->trainer.backend,
             run->backend->instruction_set(run->device), run->backend->threads(run->device));
    struct text yaml = {0};
    config_write(&yaml, run->config);
    char *socket = NULL;
    bool reachable = runtime_socket_path(&socket, run->folder) == LT_OK;
    char *why_not = reachable ? NULL : memory_text(lt_message());
    size_t machine_values;
    const char *const *machine_name = usage_names(run->usage, &machine_values);
    struct metric_info *metric = declared(run);
    struct log_run about = {.folder = run->folder,
                            .name = run->name,
                            .model = run->config->model.name,
                            .device = device,
                            .precision = run->config->trainer.precision,
                            .config_yaml = text_get(&yaml),
                            .argc = run->argc,
                            .argv = run->argv,
                            .parameter_name = run->parameter_name,
                            .parameters = run->parameters,
                            .machine_name = machine_name,
                            .machine_values = machine_values,
                            .metric = metric,
                            .metrics = run->resume ? 0 : run->values, /* a branch may lack some of its parent's */
                            .resume_step = run_continues(run) ? run->at.step : -1,
                            .branched_from = run->branch ? run->resume_path : NULL};
    struct log_options options = {.hdf5 = run->config->trainer.logger.count > 0,
                                  .lines = io->lines,
                                  .lines_every_s = 2,
                                  .viewer_fd = io->viewer_fd,
                                  .socket_path = socket,
                                  .mailbox = run->mailbox};
    enum lt_err err = log_open(&run->log, &about, &options);
    if (err == LT_OK && why_not)
        log_event(run->log, EVENT_NOTE, LEVEL_WARNING, run->at.step, "no screen can attach: %s", why_not);
    free(why_not);
    free(socket);
    free(metric);
    text_release(&yaml);
    return err;
}

/* Which value decides what is best: model_checkpoint's monitor, else validation accuracy, else validation loss. */
static void choose_monitor(struct run *run)
{
    const char *name = "val/loss";
    for (size_t i = 0; i < run->values; i++)
        if (strcmp(run->value[i].name, "val/acc") == 0) name = "val/acc";
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const char *member;
        const struct setting *rest, *monitor;
        if (strcmp(run->callbacks.callback[i]->name, "model_checkpoint") != 0 || !run->callbacks.where[i]) continue;
        if (options_member(&member, &rest, run->callbacks.where[i]) != LT_OK) continue;
        monitor = setting_get(rest, "monitor");
        if (!setting_is_null(monitor)) name = monitor->scalar;
    }
    snprintf(run->status.monitor, sizeof run->status.monitor, "%s", name);
}

void note_best(struct run *run)
{
    bool smaller = strstr(run->status.monitor, "loss") != NULL;
    for (size_t i = 0; i < run->values; i++) {
        double value = run->value[i].value;
        if (strcmp(run->value[i].name, run->status.monitor) != 0 || !isfinite(value)) continue;
        if (isfinite(run->best) && (smaller ? value >= run->best : value <= run->best)) continue;
        run->best = value;
        run->best_step = run->at.step;
    }
}

static enum lt_err fill_weights(struct run *run)
{
    const struct config *config = run->config;
    if (run->resume && run->verb == RUN_FIT) return restore_checkpoint(run);
    if (run->resume) return checkpoint_load(run->plan, run->resume_path, false);
    plan_initialise(run->plan, (uint64_t)config->seed);
    if (!config->model.weights) return LT_OK;
    int skipped = 0;
    LT_TRY(weights_load(run->plan, config->model.weights, run->model->classifier, &skipped));
    if (run->log)
        log_event(run->log, EVENT_NOTE, skipped ? LEVEL_WARNING : LEVEL_INFO, 0,
                  skipped ? "weights from %s, but %d tensors of %s have other shapes and start at random"
                          : "weights from %s",
                  config->model.weights, skipped, run->model->classifier);
    return LT_OK;
}

/* The state of a run that ended with `err`. */
static enum run_state end_state(enum lt_err err)
{
    switch (err) {
    case LT_OK: return RUN_DONE;
    case LT_ENONFINITE: return RUN_NONFINITE;
    case LT_EINTERRUPTED:
    case LT_ETERMINATED: return RUN_STOPPED;
    default: return RUN_FAILED;
    }
}

/* The sentence for a finished run, kept as the message. */
static void praise(const struct run *run)
{
    if (is_dry(run)) {
        lt_fail(LT_OK,
                "the dry run passed: %" PRId64 " batches of training, %" PRId64 " of validation, a checkpoint and a "
                "log written, read back and removed",
                run->train.batches, run->val.batches);
        return;
    }
    struct text best = {0};
    if (isfinite(run->best))
        text_add(&best, "best %s %.4f at step %" PRId64 "; ", run->status.monitor, run->best, run->best_step);
    if (run->stop_reason) text_add(&best, "stopped early: %s; ", run->stop_reason);
    if (run->unsaved) text_add(&best, "its newest checkpoint could NOT be saved; ");
    lt_fail(LT_OK, "finished %" PRId64 " epochs, %" PRId64 " steps in %.1f s; %sfiles in %s", run->at.epoch,
            run->at.step, pace_elapsed_s(&run->pace), text_get(&best), run->folder);
    text_release(&best);
}

/* A schedule that ends with the run stretches when a resumed run is to go on for longer; nobody shall wonder why. */
static void tell_stretch(struct run *run)
{
    const json_t *position = json_object_get(run->resume, "position");
    struct lr_policy then = run->lr;
    then.total = json_integer_value(json_object_get(position, "schedule_total"));
    int64_t t = run->at.schedule > 0 ? run->at.schedule : 1;
    double before = lr_policy_at(&then, 1, t), now = lr_policy_at(&run->lr, 1, t);
    if (then.total > 0 && before != now)
        log_event(run->log, EVENT_LR, LEVEL_WARNING, run->at.step,
                  "the schedule %s stretches from %" PRId64 " to %" PRId64 " steps: the rate goes on at %g times the "
                  "base instead of %g; lr_scheduler.T_max: %" PRId64 " would keep its course",
                  run->lr.schedule->name, then.total, run->lr.total, now, before, then.total);
}

/* What was set by hand holds on, also where the configuration is another now. */
static void tell_rate(struct run *run)
{
    if (rate_factor(&run->rate) != 1)
        log_event(
            run->log, EVENT_LR, LEVEL_WARNING, run->at.step,
            "the rate goes on at %g, %g times what is configured, as it was set; `lathe ctl %s set lr=undo` takes "
            "that back",
            learning_rate(run), rate_factor(&run->rate), run->folder);
}

static enum lt_err fit_in_log(struct run *run)
{
    run->status.state = RUN_RUNNING;
    log_event(run->log, run_continues(run) ? EVENT_RESUME : EVENT_START, LEVEL_INFO, run->at.step,
              "%s on %s, %" PRId64 " pictures to train, %" PRId64 " to validate, an arena %zu bytes large",
              run->config->model.name, run->backend->instruction_set(run->device), run->train.view.count,
              run->val.view.count, plan_summarise(run->plan).arena_bytes);
    if (run->branch) branch_tell(run);
    if (run->resume) {
        tell_stretch(run);
        tell_rate(run);
        live_tell_restored(run);
    }
    live_tell(run);
    tell_run(run);
    profile_tell_memory(run);
    profile_tell_machine(run);
    LT_TRY(train(run));
    report_bad_files(run);
    return is_dry(run) ? try_checkpoint(run) : LT_OK;
}

/* Resuming restores position and values before the log opens (its rows after that step are superseded), callbacks' and
 * the plan's state with it. */
static enum lt_err fit(struct run *run, const struct run_io *io)
{
    LT_TRY(open_machine(run));
    run->pace.last_save_ns = clock_ns(); /* timed checkpoints count from here */
    if (run->resume) {
        LT_TRY(fill_weights(run));
        if (run_continues(run))
            LT_TRY(write_config(run)); /* not before it is sure that the run goes on: the folder has one already */
        LT_TRY(train_ahead(run));
    }
    run->usage = usage_new();
    LT_TRY(open_log(run, io));
    declare_all(run);
    choose_monitor(run);
    enum lt_err err = run->resume ? LT_OK : fill_weights(run);
    run->profile = profile_new();
    if (err == LT_OK) err = fit_in_log(run);
    if (err == LT_OK) praise(run);
    char *sentence = memory_text(lt_message()); /* what follows may fail and have messages of its own */
    profile_save(run);
    run->status.state = end_state(err);
    publish(run, run->status.stage, "");
    log_event(run->log, EVENT_END, err == LT_OK ? LEVEL_INFO : LEVEL_SEVERE, run->at.step, "%s", sentence);
    log_close(run->log, run->status.state, lt_exit_code(err), sentence);
    run->log = NULL;
    lt_fail(err, "%s", sentence);
    if (err == LT_OK && is_dry(run)) err = end_dry_run(run);
    free(sentence);
    return err;
}

enum lt_err run_fit(struct run *run, const struct run_io *io)
{
    run->mailbox = mailbox_new();
    enum lt_err err = fit(run, io);
    mailbox_free(run->mailbox);
    run->mailbox = NULL;
    return err;
}

enum lt_err run_evaluate(struct run *run, FILE *out)
{
    struct part *part = run->verb == RUN_TEST ? &run->test : &run->val;
    if (part->batches == 0)
        return lt_fail(LT_EUSAGE, "there is nothing to evaluate: give data.%s, or data.data_dir with a split",
                       run->verb == RUN_TEST ? "test_dir" : "val_dir");
    LT_TRY(open_machine(run));
    LT_TRY(fill_weights(run));
    LT_TRY(evaluate_part(run, part, &run->val_metrics, part->batches));
    const char *stage = run->val_metrics.stage;
    fprintf(out, "%s of %s: %" PRId64 " pictures of %s (%s)\n", stage,
            run->resume_path ? run->resume_path : "untrained weights", run->val_metrics.samples, part->set->root,
            run->verb == RUN_TEST ? run->test_words : "validation data");
    fprintf(out, "%s/loss %.6f\n", stage, metric_set_loss(&run->val_metrics));
    for (size_t i = 0; i < run->val_metrics.count; i++)
        fprintf(out, "%s/%s %.6f\n", stage, run->val_metrics.metric[i]->short_name,
                metric_set_value(&run->val_metrics, i));
    return LT_OK;
}
