/* Watches each parameter: the norm of its gradient (after unscaling, before clipping), the share of it that is zero,
 * how many of its values are not finite, and how much an update changes the parameter. Logs them, and warns, with what
 * to do. What was warned of is raised until it fell below half its bound, so that nothing is said twice of a value that
 * swings around the bound. */
#include "engine/callbacks/callback.h"

#include "data/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD_MAX = 8 /* warnings at one step */ };

enum worry { WORRY_NONFINITE, WORRY_NORM, WORRY_RATIO, WORRY_ZEROS, WORRIES }; /* the worst is told first */

struct gradient_monitor {
    int64_t every_n_steps;
    double bound[WORRIES];
    bool *raised[WORRIES]; /* by parameter */
};

static const struct option rows[] = {
    {.key = "every_n_steps",
     .type = OPTION_INT,
     .offset = offsetof(struct gradient_monitor, every_n_steps),
     .initial = "100",
     .min = 1,
     .max = 1e9,
     .help = "how often each parameter is logged and watched; gradients that are not finite are noticed at every step"},
    {.key = "threshold",
     .type = OPTION_REAL,
     .offset = offsetof(struct gradient_monitor, bound[WORRY_NORM]),
     .initial = "100",
     .min = 0,
     .open_min = true,
     .help = "warn of norms above this"},
    {.key = "max_update_ratio",
     .type = OPTION_REAL,
     .offset = offsetof(struct gradient_monitor, bound[WORRY_RATIO]),
     .initial = "0.1",
     .min = 0,
     .open_min = true,
     .help =
         "warn where one update changes weights by more than this share of their norm (biases begin at zero and do not "
         "count)"},
    {.key = "max_zeros",
     .type = OPTION_REAL,
     .offset = offsetof(struct gradient_monitor, bound[WORRY_ZEROS]),
     .initial = "0.99",
     .min = 0,
     .open_min = true,
     .max = 1,
     .help = "warn where more than this share of a gradient is zero"},
};

/* ---- words ---- */

static void warn(const struct run_view *run, enum worry worry, int64_t parameter, double value, double bound)
{
    const char *layer = run->parameter_name[parameter];
    switch (worry) {
    case WORRY_NORM:
        log_event(run->log, EVENT_GRADIENT, LEVEL_WARNING, run->step,
                  "gradient norm %.4g of %s is above %g; lower the learning rate or set trainer.gradient_clip_val",
                  value, layer, bound);
        break;
    case WORRY_RATIO:
        log_event(run->log, EVENT_GRADIENT, LEVEL_WARNING, run->step,
                  "one update changed %s by %.3g of its norm, above %g: steps are too long for it; lower the learning "
                  "rate or warm it up",
                  layer, value, bound);
        break;
    case WORRY_ZEROS:
        log_event(run->log, EVENT_GRADIENT, LEVEL_WARNING, run->step,
                  "%.4g %% of the gradient of %s is zero, above %g %%: most of it does not learn; look for dead units "
                  "before it, lower the learning rate, or freeze it",
                  100 * value, layer, 100 * bound);
        break;
    case WORRY_NONFINITE:
        log_event(
            run->log, EVENT_GRADIENT, LEVEL_SEVERE, run->step,
            "gradient of %s is %s, %.0f of its values are not finite; look at the pictures of this step and lower "
            "the learning rate",
            layer, isnan(run->norm[parameter]) ? "NaN" : "infinite", value);
        break;
    case WORRIES: break;
    }
}

static void say_over(const struct run_view *run, enum worry worry, int64_t parameter, double value)
{
    static const char *const what[WORRIES] = {
        [WORRY_NONFINITE] = "number of values that are not finite in the gradient",
        [WORRY_NORM] = "gradient norm",
        [WORRY_RATIO] = "share that an update changes",
        [WORRY_ZEROS] = "share of zeros in the gradient"};
    log_event(run->log, EVENT_GRADIENT, LEVEL_INFO, run->step, "the %s of %s is %.3g again", what[worry],
              run->parameter_name[parameter], value);
}

/* ---- watching ---- */

static bool is_bias(const char *name)
{
    const size_t length = strlen(name);
    return length >= 4 && strcmp(name + length - 4, "bias") == 0;
}

/* NaN: there is nothing to watch. A norm that is not finite is the other worry. */
static double value_of(const struct run_view *run, enum worry worry, int64_t i)
{
    switch (worry) {
    case WORRY_NORM: return isfinite(run->norm[i]) ? run->norm[i] : (double)NAN;
    case WORRY_RATIO: return run->update_ratio && !is_bias(run->parameter_name[i]) ? run->update_ratio[i] : (double)NAN;
    case WORRY_ZEROS: return run->zeros ? run->zeros[i] : (double)NAN;
    case WORRY_NONFINITE: return run->nonfinite ? run->nonfinite[i] : (double)NAN;
    case WORRIES: break;
    }
    return (double)NAN;
}

/* Returns whether there is something to say. */
static bool judge(bool *raised, double value, double bound)
{
    if (isnan(value)) return false;
    const bool was = *raised;
    if (value > bound)
        *raised = true;
    else if (value <= 0.5 * bound)
        *raised = false;
    return *raised != was;
}

static void watch(struct gradient_monitor *self, const struct run_view *run, bool due)
{
    int told = 0, untold = 0;
    for (int worry = 0; worry < (due ? WORRIES : WORRY_NONFINITE + 1); worry++)
        for (int64_t i = 0; i < run->parameters; i++) {
            const double value = value_of(run, (enum worry)worry, i);
            if (!judge(&self->raised[worry][i], value, self->bound[worry])) continue;
            if (told == TOLD_MAX) {
                untold++;
                continue;
            }
            told++;
            if (self->raised[worry][i])
                warn(run, (enum worry)worry, i, value, self->bound[worry]);
            else
                say_over(run, (enum worry)worry, i, value);
        }
    if (untold)
        log_event(run->log, EVENT_GRADIENT, LEVEL_WARNING, run->step, "the same, or its end, of %d more parameters",
                  untold);
}

static bool watches(const void *self, int64_t step)
{
    return step % ((const struct gradient_monitor *)self)->every_n_steps == 0;
}

static void log_all(const struct run_view *run)
{
    log_family(run->log, FAMILY_NORM, run->step, run->norm);
    if (!run->zeros) return;
    log_family(run->log, FAMILY_RATIO, run->step, run->update_ratio);
    log_family(run->log, FAMILY_ZEROS, run->step, run->zeros);
    log_family(run->log, FAMILY_NONFINITE, run->step, run->nonfinite);
}

static void on_step(void *self, const struct run_view *run, struct wishes *wishes)
{
    (void)wishes;
    struct gradient_monitor *monitor = self;
    for (int i = 0; i < WORRIES && !monitor->raised[i]; i++)
        monitor->raised[i] = memory_new((size_t)run->parameters + 1, sizeof *monitor->raised[i]);
    const bool due = watches(self, run->step), bad = !isfinite(run->norm[run->parameters]);
    if (due || bad) log_all(run);
    if (due || bad) watch(monitor, run, due);
}

static void release(void *self)
{
    struct gradient_monitor *monitor = self;
    for (int i = 0; i < WORRIES; i++) free(monitor->raised[i]);
}

const struct callback callback_gradient_monitor = {
    .name = "gradient_monitor",
    .help = "logs and watches each parameter: gradient norm, zeros, values that are not finite, length of updates",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct gradient_monitor),
    .release = release,
    .watches = watches,
    .on_step = on_step,
};
