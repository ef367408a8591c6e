/* Watches gradient norms, after unscaling and before clipping: logs one per parameter, warns of large ones, and above
 * all of values that are not finite. A layer that was warned of is silent until its norm fell below half the threshold.
 */
#include "engine/callbacks/callback.h"

#include "data/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

struct gradient_monitor {
    int64_t every_n_steps;
    double threshold;
    bool *warned; /* by parameter */
};

static const struct option rows[] = {
    {.key = "every_n_steps",
     .type = OPTION_INT,
     .offset = offsetof(struct gradient_monitor, every_n_steps),
     .initial = "100",
     .min = 1,
     .max = 1e9,
     .help = "how often the norm of each parameter is logged and watched; not finite ones are noticed at every step"},
    {.key = "threshold",
     .type = OPTION_REAL,
     .offset = offsetof(struct gradient_monitor, threshold),
     .initial = "100",
     .min = 0,
     .open_min = true,
     .help = "warn of norms above this"},
};

static void warn(const struct run_view *run, int64_t parameter, double threshold)
{
    const char *layer = run->parameter_name[parameter];
    double norm = run->norm[parameter];
    if (isfinite(norm))
        log_event(run->log, EVENT_GRADIENT, LEVEL_WARNING, run->step,
                  "gradient norm %.4g of %s is above %g; lower the learning rate or set trainer.gradient_clip_val",
                  norm, layer, threshold);
    else
        log_event(run->log, EVENT_GRADIENT, LEVEL_SEVERE, run->step,
                  "gradient of %s is %s; look at the pictures of this step and lower the learning rate", layer,
                  isnan(norm) ? "NaN" : "infinite");
}

static void watch(struct gradient_monitor *self, const struct run_view *run, bool due)
{
    for (int64_t i = 0; i < run->parameters; i++) {
        double norm = run->norm[i];
        bool bad = !isfinite(norm), large = bad || norm > self->threshold;
        if (!due && !bad) continue;
        if (large && !self->warned[i]) warn(run, i, self->threshold);
        if (large || norm < 0.5 * self->threshold) self->warned[i] = large;
    }
}

static void on_step(void *self, const struct run_view *run, struct wishes *wishes)
{
    (void)wishes;
    struct gradient_monitor *monitor = self;
    if (!monitor->warned) monitor->warned = memory_new((size_t)run->parameters, sizeof *monitor->warned);
    bool due = run->step % monitor->every_n_steps == 0;
    if (due) log_grad_norms(run->log, run->step, run->norm);
    if (due || !isfinite(run->norm[run->parameters])) watch(monitor, run, due);
}

static void release(void *self)
{
    struct gradient_monitor *monitor = self;
    free(monitor->warned);
}

const struct callback callback_gradient_monitor = {
    .name = "gradient_monitor",
    .help = "logs gradient norms per parameter and warns of exploding or non-finite ones",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct gradient_monitor),
    .release = release,
    .on_step = on_step,
};
