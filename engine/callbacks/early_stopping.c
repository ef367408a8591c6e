/* Stops when a metric no longer improves: Lightning's EarlyStopping, in its order: finite, stopping threshold,
 * divergence threshold, improvement by more than min_delta, patience counted in checks. */
#include "engine/callbacks/callback.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct early_stopping {
    char *monitor;
    int64_t patience;
    int mode;
    double min_delta, stopping_threshold, divergence_threshold; /* thresholds: NaN = none */
    bool check_finite;
    /* state */
    bool has_best;
    double best;
    int64_t waited;
};

enum { MODE_MIN, MODE_MAX };

static const struct option rows[] = {
    {.key = "monitor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct early_stopping, monitor),
     .help = "the metric to watch, like val/loss"},
    {.key = "patience",
     .type = OPTION_INT,
     .offset = offsetof(struct early_stopping, patience),
     .initial = "3",
     .min = 0,
     .max = 1e9,
     .help = "checks without improvement before stopping"},
    {.key = "mode",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct early_stopping, mode),
     .initial = "min",
     .choices = "min|max",
     .help = "whether smaller or larger is better"},
    {.key = "min_delta",
     .type = OPTION_REAL,
     .offset = offsetof(struct early_stopping, min_delta),
     .initial = "0",
     .min = 0,
     .max = 1e300,
     .help = "a change no larger than this is no improvement"},
    {.key = "stopping_threshold",
     .type = OPTION_REAL,
     .offset = offsetof(struct early_stopping, stopping_threshold),
     .initial = "null",
     .nullable = true,
     .null_value = NAN,
     .help = "stop as soon as the metric is better than this"},
    {.key = "divergence_threshold",
     .type = OPTION_REAL,
     .offset = offsetof(struct early_stopping, divergence_threshold),
     .initial = "null",
     .nullable = true,
     .null_value = NAN,
     .help = "stop as soon as the metric is worse than this"},
    {.key = "check_finite",
     .type = OPTION_BOOL,
     .offset = offsetof(struct early_stopping, check_finite),
     .initial = "true",
     .help = "stop when the metric is not finite"},
};

static enum lt_err check(void *self, const struct setting *where, const char *const *known, size_t count)
{
    const struct early_stopping *stopping = self;
    return callback_check_monitor(stopping->monitor, where, known, count);
}

static bool better(const struct early_stopping *self, double a, double b)
{
    return self->mode == MODE_MIN ? a < b : a > b;
}

static bool improves(const struct early_stopping *self, double value)
{
    if (!self->has_best) return !isnan(value);
    return self->mode == MODE_MIN ? value < self->best - self->min_delta : value > self->best + self->min_delta;
}

static void judge(struct early_stopping *self, double value, struct wishes *wishes)
{
    if (self->check_finite && !isfinite(value)) {
        wishes_stop(wishes, "%s is %g", self->monitor, value);
    } else if (better(self, value, self->stopping_threshold)) {
        wishes_stop(wishes, "%s reached %g (stopping_threshold %g)", self->monitor, value, self->stopping_threshold);
    } else if (better(self, self->divergence_threshold, value)) {
        wishes_stop(wishes, "%s got as bad as %g (divergence_threshold %g)", self->monitor, value,
                    self->divergence_threshold);
    } else if (improves(self, value)) {
        self->has_best = true;
        self->best = value;
        self->waited = 0;
    } else if (++self->waited >= self->patience) {
        wishes_stop(wishes, "%s did not improve on %g in %lld checks", self->monitor, self->best,
                    (long long)self->waited);
    }
}

static void look(struct early_stopping *self, const struct run_view *run, struct wishes *wishes)
{
    struct logged_value value;
    if (run_view_value(run, self->monitor, &value)) judge(self, value.value, wishes);
}

/* Training metrics are checked at the end of the epoch, all others when a validation ended. */
static bool is_train_metric(const struct early_stopping *self)
{
    return strncmp(self->monitor, "train/", 6) == 0;
}

static void on_validation_end(void *self, const struct run_view *run, struct wishes *wishes)
{
    if (!is_train_metric(self)) look(self, run, wishes);
}

static void on_train_epoch_end(void *self, const struct run_view *run, struct wishes *wishes)
{
    if (is_train_metric(self)) look(self, run, wishes);
}

/* What was best stays the mark to beat. A threshold that is crossed stops again at the next check. */
static void on_veto(void *self)
{
    struct early_stopping *stopping = self;
    stopping->waited = 0;
}

static json_t *save(const void *self)
{
    const struct early_stopping *stopping = self;
    char best[48];
    snprintf(best, sizeof best, "%a", stopping->best);
    return json_pack("{s:b, s:s, s:I}", "has_best", (int)stopping->has_best, "best_score", best, "wait_count",
                     (json_int_t)stopping->waited);
}

static enum lt_err load(void *self, const json_t *state)
{
    struct early_stopping *stopping = self;
    const char *best = json_string_value(json_object_get(state, "best_score"));
    if (!best) return lt_fail(LT_EFORMAT, "the checkpoint holds no state of early_stopping");
    stopping->has_best = json_is_true(json_object_get(state, "has_best"));
    stopping->best = strtod(best, NULL);
    stopping->waited = json_integer_value(json_object_get(state, "wait_count"));
    return LT_OK;
}

const struct callback callback_early_stopping = {
    .name = "early_stopping",
    .help = "stops the training when a metric no longer improves",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct early_stopping),
    .check = check,
    .on_validation_end = on_validation_end,
    .on_train_epoch_end = on_train_epoch_end,
    .on_veto = on_veto,
    .save = save,
    .load = load,
};
