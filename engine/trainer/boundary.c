/* Between two steps, or two batches of an evaluation: signals, viewers' commands, pauses, timed checkpoints. The only
 * place where control reaches the trainer. */
#include "data/base/clock.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/trainer/run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t terminate_signal, interrupts;
static _Thread_local int interrupts_said;

void run_signal(int number)
{
    if (number == SIGINT)
        interrupts++;
    else
        terminate_signal = number;
}

static bool save_as(struct run *run, const char *name, struct text *path)
{
    text_add(path, "%s/%s", run->checkpoint_folder, name);
    return collect_all(run) == LT_OK && save_checkpoint(run, text_get(path));
}

static void answer(struct run *run, const struct request *request, bool done, const char *text)
{
    if (request->id) log_answer(run->log, request->id, done, run->at.step, text);
}

static void checkpoint_now(struct run *run, const struct request *request)
{
    char name[64];
    struct text path = {0};
    snprintf(name, sizeof name, "step=%" PRId64 ".ckpt", run->at.step);
    bool ok = save_as(run, name, &path);
    answer(run, request, ok, ok ? text_get(&path) : lt_message());
    text_release(&path);
}

/* Ends the fit at this place, with `last.ckpt` written first when `save`. */
static enum lt_err stop_now(struct run *run, enum lt_err code, bool save, const char *who)
{
    struct text path = {0};
    bool saved = save && save_as(run, "last.ckpt", &path);
    enum lt_err err;
    if (saved)
        err = lt_fail(code, "stopped by %s at step %" PRId64 "; saved %s; go on with: lathe fit --resume %s", who,
                      run->at.step, text_get(&path), run->folder);
    else if (save)
        err = lt_fail_in(code, "stopped by %s at step %" PRId64 ", but nothing could be saved: ", who, run->at.step);
    else
        err = lt_fail(code,
                      "stopped by %s at step %" PRId64
                      " without saving; go on from the last checkpoint with: lathe fit "
                      "--resume %s",
                      who, run->at.step, run->folder);
    text_release(&path);
    return err;
}

static void set_paused(struct run *run, bool paused, const char *who)
{
    run->status.state = paused ? RUN_PAUSED : RUN_RUNNING;
    log_event(run->log, paused ? EVENT_PAUSE : EVENT_CONTINUE, LEVEL_INFO, run->at.step, "by %s", who);
    publish(run, run->status.stage, "");
}

static enum lt_err validate_now(struct run *run, const struct request *request)
{
    if (run->val.batches == 0 || run->status.stage != STAGE_TRAIN) {
        answer(run, request, false,
               run->val.batches ? "an evaluation is running already" : "there are no validation data");
        return LT_OK;
    }
    LT_TRY(collect_all(run));
    LT_TRY(validate(run));
    answer(run, request, true, "validated");
    return LT_OK;
}

static enum lt_err obey(struct run *run, const struct request *request)
{
    bool paused = run->status.state == RUN_PAUSED;
    switch (request->command) {
    case COMMAND_PAUSE:
        if (!paused) set_paused(run, true, request->who);
        answer(run, request, true, "paused");
        return LT_OK;
    case COMMAND_RESUME:
        if (paused) set_paused(run, false, request->who);
        answer(run, request, true, "running");
        return LT_OK;
    case COMMAND_CHECKPOINT: checkpoint_now(run, request); return LT_OK;
    case COMMAND_VALIDATE: return validate_now(run, request);
    case COMMAND_STOP:
        answer(run, request, true, "stopping");
        return stop_now(run, LT_EINTERRUPTED, false, request->who);
    case COMMAND_SAVE_AND_STOP:
        answer(run, request, true, "saving and stopping");
        return stop_now(run, LT_EINTERRUPTED, true, request->who);
    case COMMANDS: break;
    }
    return LT_OK;
}

static enum lt_err heed_signals(struct run *run)
{
    if (terminate_signal)
        return stop_now(run, LT_ETERMINATED, true, terminate_signal == SIGUSR1 ? "SIGUSR1" : "SIGTERM");
    int count = interrupts;
    if (count >= 2) return stop_now(run, LT_EINTERRUPTED, true, "Ctrl-C");
    if (count > interrupts_said) {
        interrupts_said = count;
        log_event(run->log, EVENT_COMMAND, LEVEL_WARNING, run->at.step, "Ctrl-C: once more saves and stops");
    }
    return LT_OK;
}

static enum lt_err drain_mailbox(struct run *run)
{
    struct request request;
    while (mailbox_take(run->mailbox, &request)) LT_TRY(obey(run, &request));
    return LT_OK;
}

/* Sleeps until resumed or stopped; the clock of the run stands still meanwhile. */
static enum lt_err wait_while_paused(struct run *run)
{
    LT_TRY(collect_all(run));
    int64_t begin = clock_ns(), before = run->pace.paused_ns;
    enum lt_err err = LT_OK;
    while (err == LT_OK && run->status.state == RUN_PAUSED) {
        mailbox_wait(run->mailbox, 0.5);
        run->pace.paused_ns = before + clock_ns() - begin;
        err = heed_signals(run);
        if (err == LT_OK) err = drain_mailbox(run);
    }
    int64_t paused = span_end(SPAN_PAUSED, begin) - begin;
    run->pace.paused_ns = before + paused;
    run->pace.step_began_ns += paused;
    publish(run, run->status.stage, "");
    return err;
}

static void save_by_time(struct run *run)
{
    double every = run->config->trainer.checkpoint_every;
    if (every <= 0 || (double)(clock_ns() - run->pace.last_save_ns) * 1e-9 < every) return;
    struct text path = {0};
    save_as(run, "last.ckpt", &path);
    text_release(&path);
}

static void report_bad_file(void *context, const char *reason)
{
    struct run *run = context;
    log_event(run->log, EVENT_BAD_FILE, LEVEL_WARNING, run->at.step, "skipped %s", reason);
}

void report_bad_files(struct run *run)
{
    loader_bad_files(run->train.loader, report_bad_file, run);
    if (run->val.loader) loader_bad_files(run->val.loader, report_bad_file, run);
}

enum lt_err step_boundary(struct run *run)
{
    report_bad_files(run);
    LT_TRY(heed_signals(run));
    LT_TRY(drain_mailbox(run));
    if (run->status.state == RUN_PAUSED) LT_TRY(wait_while_paused(run));
    save_by_time(run);
    return LT_OK;
}
