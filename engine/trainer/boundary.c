/* Between two steps, or two batches of an evaluation: signals, viewers' commands, pauses, timed checkpoints. The only
 * place where control reaches the trainer. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/checkpoint/protected.h"
#include "engine/trainer/live.h"

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

/* ---- commands: each says in its reply what it did, or why not ---- */

struct reply {
    bool refused;
    struct text said;
};

static void refuse(struct reply *reply, const char *why)
{
    reply->refused = true;
    text_add(&reply->said, "%s", why);
}

/* "lr=3e-4", "lr*0.5"; as a key of the configuration too. */
static const char *rate_wish(const char *wish)
{
    if (strncmp(wish, "optimizer.", 10) == 0) wish += 10;
    return strncmp(wish, "lr", 2) == 0 && (!wish[2] || strchr("=*", wish[2])) ? wish : NULL;
}

static enum event_kind kind_of(const struct request *request)
{
    switch (request->command) {
    case COMMAND_PAUSE: return EVENT_PAUSE;
    case COMMAND_RESUME: return EVENT_CONTINUE;
    case COMMAND_SET: return rate_wish(request->argument) ? EVENT_LR : EVENT_SETTING;
    case COMMAND_VETO: return EVENT_EARLY_STOP;
    default: return EVENT_COMMAND;
    }
}

/* Stops are told by the run's last event; looking changes nothing. */
static bool is_told(enum control command)
{
    return command != COMMAND_STOP && command != COMMAND_SAVE_AND_STOP && command != COMMAND_SHOW_BATCH;
}

/* Tells the run's journal and who asked. */
static void settle(struct run *run, const struct request *request, const struct reply *reply)
{
    const char *said = text_get(&reply->said), *name = control_name(request->command);
    if (reply->refused)
        log_event(run->log, EVENT_COMMAND, LEVEL_WARNING, run->at.step, "%s%s%s not done: %s; by %s", name,
                  request->argument[0] ? " " : "", request->argument, said, request->who);
    else if (is_told(request->command))
        log_event(run->log, kind_of(request), LEVEL_INFO, run->at.step, "%s, by %s", said, request->who);
    if (request->id) log_answer(run->log, request->id, !reply->refused, run->at.step, said);
    publish(run, run->status.stage, "");
}

static void checkpoint_now(struct run *run, struct reply *reply)
{
    char name[64];
    struct text path = {0};
    snprintf(name, sizeof name, "step=%" PRId64 ".ckpt", run->at.step);
    if (save_as(run, name, &path))
        text_add(&reply->said, "saved %s", text_get(&path));
    else
        refuse(reply, lt_message());
    text_release(&path);
}

/* Ends the fit at this place, with `last.ckpt` written first when `save`. reply: whom to tell, or NULL. */
static enum lt_err stop_now(struct run *run, enum lt_err code, bool save, const char *who, struct reply *reply)
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
    if (reply) text_add(&reply->said, "%s", lt_message());
    if (reply) reply->refused = save && !saved;
    return err;
}

static enum lt_err validate_now(struct run *run, struct reply *reply)
{
    if (run->val.batches == 0 || run->status.stage != STAGE_TRAIN) {
        refuse(reply, run->val.batches ? "an evaluation is running already" : "there are no validation data");
        return LT_OK;
    }
    run->pause_again = run->status.state == RUN_PAUSED;
    run->status.state = RUN_RUNNING; /* meanwhile, or its own boundaries would wait */
    LT_TRY(collect_all(run));
    LT_TRY(validate(run));
    if (run->pause_again) run->status.state = RUN_PAUSED;
    text_add(&reply->said, "validated: val/loss %.6g", metric_set_loss(&run->val_metrics));
    return LT_OK;
}

static void profile_now(struct run *run, struct reply *reply)
{
    if (profile_export(run) == LT_OK)
        text_add(&reply->said, "wrote %s/profile.txt and trace.json (for ui.perfetto.dev)", run->folder);
    else
        refuse(reply, lt_message());
}

static void show_batch(struct run *run, struct reply *reply)
{
    run->shown.asked = true;
    text_add(&reply->said, "the pictures of step %" PRId64, run->at.step + 1);
}

static void set_rate(struct run *run, const char *wish, struct reply *reply)
{
    double before = learning_rate(run), factor = rate_factor(&run->rate);
    if (rate_change(&run->rate, wish, scheduled_rate(run)) != LT_OK) {
        refuse(reply, lt_message());
        return;
    }
    double now = rate_factor(&run->rate);
    if (now == factor)
        text_add(&reply->said, "lr %g, as it was", before);
    else
        text_add(&reply->said, "lr %g -> %g, from step %" PRId64 " on", before, learning_rate(run), run->at.step + 1);
    if (now != 1)
        text_add(&reply->said, " (%g times what is configured)", now);
    else
        text_add(&reply->said, " (as configured)");
}

static void set(struct run *run, const char *wish, struct reply *reply)
{
    const char *rate = rate_wish(wish);
    if (rate)
        set_rate(run, rate, reply);
    else if (live_set(run, wish, &reply->said) != LT_OK)
        refuse(reply, lt_message());
}

/* A file of the checkpoints' folder, or a path of one elsewhere. */
static void protect(struct run *run, const char *name, bool wanted, struct reply *reply)
{
    char *path = strchr(name, '/') ? memory_text(name) : path_join(run->checkpoint_folder, name);
    if ((wanted ? protected_add(path) : protected_remove(path)) == LT_OK)
        text_add(&reply->said, "%s is %s", path_name(path), wanted ? "protected" : "no longer protected");
    else
        refuse(reply, lt_message());
    free(path);
}

/* Early stopping decides at the end of an epoch and the run is over: a veto comes before, or where min_epochs or
 * min_steps still hold it, after. */
static void veto(struct run *run, struct reply *reply)
{
    int heard = 0;
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const struct callback *callback = run->callbacks.callback[i];
        if (callback->on_veto) callback->on_veto(run->callbacks.self[i]), heard++;
    }
    if (heard == 0)
        refuse(reply, "nothing here stops early: there is no early_stopping among trainer.callbacks");
    else if (run->stop)
        text_add(&reply->said, "the stop is withdrawn (%s), patience starts anew", run->stop_reason);
    else
        text_add(&reply->said, "patience starts anew");
    if (heard == 0) return;
    run->stop = false;
    free(run->stop_reason);
    run->stop_reason = NULL;
}

static void set_state(struct run *run, enum run_state state, struct reply *reply)
{
    run->status.state = state;
    run->pause_again = false;
    text_add(&reply->said, "%s", run_state_name(state));
}

static enum lt_err carry_out(struct run *run, const struct request *request, struct reply *reply)
{
    switch (request->command) {
    case COMMAND_PAUSE: set_state(run, RUN_PAUSED, reply); break;
    case COMMAND_RESUME: set_state(run, RUN_RUNNING, reply); break;
    case COMMAND_CHECKPOINT: checkpoint_now(run, reply); break;
    case COMMAND_VALIDATE: return validate_now(run, reply);
    case COMMAND_STOP: return stop_now(run, LT_EINTERRUPTED, false, request->who, reply);
    case COMMAND_SAVE_AND_STOP: return stop_now(run, LT_EINTERRUPTED, true, request->who, reply);
    case COMMAND_PROFILE: profile_now(run, reply); break;
    case COMMAND_SHOW_BATCH: show_batch(run, reply); break;
    case COMMAND_SET: set(run, request->argument, reply); break;
    case COMMAND_PROTECT: protect(run, request->argument, true, reply); break;
    case COMMAND_UNPROTECT: protect(run, request->argument, false, reply); break;
    case COMMAND_VETO: veto(run, reply); break;
    case COMMANDS: break;
    }
    return LT_OK;
}

/* An error ends the run; a command that did not mean to end it is answered all the same. */
static enum lt_err obey(struct run *run, const struct request *request)
{
    struct reply reply = {0};
    enum lt_err err = carry_out(run, request, &reply);
    if (err != LT_OK && !reply.said.length) refuse(&reply, lt_message());
    settle(run, request, &reply);
    text_release(&reply.said);
    return err;
}

static enum lt_err heed_signals(struct run *run)
{
    if (terminate_signal)
        return stop_now(run, LT_ETERMINATED, true, terminate_signal == SIGUSR1 ? "SIGUSR1" : "SIGTERM", NULL);
    int count = interrupts;
    if (count >= 2) return stop_now(run, LT_EINTERRUPTED, true, "Ctrl-C", NULL);
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
    int64_t unspent[SPAN_PHASES], before = run->pace.paused_ns;
    pace_hold(run, unspent);
    int64_t begin = span_open(SPAN_PAUSED);
    enum lt_err err = LT_OK;
    while (err == LT_OK && run->status.state == RUN_PAUSED) {
        mailbox_wait(run->mailbox, 0.5);
        run->pace.paused_ns = before + clock_ns() - begin;
        profile_usage(run);
        err = heed_signals(run);
        if (err == LT_OK) err = drain_mailbox(run);
    }
    int64_t paused = span_end(SPAN_PAUSED, begin) - begin;
    run->pace.paused_ns = before + paused;
    run->pace.step_began_ns += paused;
    pace_go_on(run, unspent);
    profile_note_usage(run);
    publish(run, run->status.stage, "");
    return err;
}

static void save_by_time(struct run *run)
{
    double every = run->trainer.checkpoint_every;
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
