/* Telling callbacks what happened, and doing what they wish: checkpoints, removals, stopping. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/checkpoint/protected.h"
#include "engine/trainer/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void hook_function(void *self, const struct run_view *run, struct wishes *wishes);

static hook_function *hook_of(const struct callback *callback, enum hook hook)
{
    switch (hook) {
    case HOOK_TRAIN_START: return callback->on_train_start;
    case HOOK_STEP: return callback->on_step;
    case HOOK_VALIDATION_END: return callback->on_validation_end;
    case HOOK_TRAIN_EPOCH_END: return callback->on_train_epoch_end;
    case HOOK_TRAIN_END: return callback->on_train_end;
    }
    return NULL;
}

static struct run_view view_of(struct run *run, const double *lr, const char *const *group_name)
{
    const struct plan_watched watched = run->watched_now ? *run->watched_now : (struct plan_watched){0};
    return (struct run_view){
        .log = run->log,
        .folder = run->folder,
        .checkpoint_folder = run->checkpoint_folder,
        .stage = run->status.stage,
        .step = run->at.step,
        .epoch = run->epoch_now,
        .batch = run->at.batch,
        .batches = run->train.batches,
        .has_validation = run->val.batches > 0,
        .validated = run->validated_this_epoch,
        .value = run->value,
        .values = run->values,
        .lr = lr,
        .group_name = group_name,
        .groups = run->config->optimizer.no_decay.count ? 2 : 1,
        .optimizer_name = run->config->optimizer.optimizer->name,
        .parameter_name = run->parameter_name,
        .norm = run->norm_now,
        .parameters = run->parameters,
        .update_ratio = watched.ratio,
        .zeros = watched.zeros,
        .nonfinite = watched.nonfinite,
        .loss = run->loss_now,
    };
}

static void fulfil(struct run *run, const struct callback *callback, void *self, struct wishes *wishes)
{
    bool saved = true;
    for (size_t i = 0; i < wishes->saves && !is_dry(run); i++) {
        bool ok = save_checkpoint(run, wishes->save[i]);
        if (callback->on_saved) callback->on_saved(self, wishes->save[i], ok);
        saved = saved && ok;
    }
    for (size_t i = 0; saved && i < wishes->removes; i++) {
        const char *path = wishes->remove[i];
        if (protected_has(path))
            log_event(run->log, EVENT_CHECKPOINT, LEVEL_INFO, run->at.step, "kept %s: it is protected",
                      path_name(path));
        else if (unlink(path) != 0)
            log_event(run->log, EVENT_CHECKPOINT, LEVEL_WARNING, run->at.step, "cannot remove %s", path);
    }
    if (!wishes->stop || run->stop) return;
    run->stop = true;
    free(run->stop_reason);
    run->stop_reason = memory_text(wishes->stop_reason);
    log_event(run->log, EVENT_EARLY_STOP, LEVEL_INFO, run->at.step, "%s: %s", callback->name,
              wishes->stop_reason ? wishes->stop_reason : "asked to stop");
}

void tell_callbacks(struct run *run, enum hook hook)
{
    static const char *const group_name[OPTIMIZER_GROUPS_MAX] = {"pg1", "pg2", "pg3", "pg4"};
    double lr = hook == HOOK_STEP ? run->lr_now : learning_rate(run);
    double group_lr[OPTIMIZER_GROUPS_MAX] = {lr, lr, lr, lr};
    int64_t begin = clock_ns();
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const struct callback *callback = run->callbacks.callback[i];
        hook_function *function = hook_of(callback, hook);
        if (!function) continue;
        struct run_view view = view_of(run, group_lr, group_name);
        struct wishes wishes = {0};
        function(run->callbacks.self[i], &view, &wishes);
        fulfil(run, callback, run->callbacks.self[i], &wishes);
        wishes_release(&wishes);
    }
    span_end(SPAN_CALLBACKS, begin);
}
