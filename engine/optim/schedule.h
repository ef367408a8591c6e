/* A learning-rate schedule is a pure function from how often it was stepped to the factor on the base rate: nothing to
 * save but the count. Closed forms equal torch.optim.lr_scheduler's at every step to 1e-12. A linear warm-up may stand
 * before any of them. Thread: any. */
#pragma once

#include "data/base/options.h"

#include <stdint.h>

enum schedule_interval { SCHEDULE_EPOCH, SCHEDULE_STEP };

struct schedule {
    const char *name;
    struct option_table table;
    size_t bound_bytes;
    /* lr after `t` schedule steps, for a base rate; t counts from 0. `total` is the planned number of schedule steps of
     * the run (T_max's default). */
    double (*lr)(const void *options, double base, int64_t t, int64_t total);
};

#define SCHEDULE(name) extern const struct schedule schedule_##name;
#include "engine/optim/schedules.def"
#undef SCHEDULE

const struct schedule *schedule_find(const char *name);

/* What configuration chose: `lr_scheduler: {name: …, interval: step, warmup: {steps: 500, start_factor: 0.01}, …}`. */
struct lr_policy {
    const struct schedule *schedule;
    void *options;
    enum schedule_interval interval;
    int64_t warmup; /* schedule steps of linear warm-up (torch LinearLR from start_factor to 1), then the schedule from
                       t = 0 */
    double start_factor;
    int64_t total; /* schedule steps of the whole run, from the plan */
};

/* null gives the constant schedule. The policy is releasable even after an error; `total` is left 0 for the caller. */
enum lt_err lr_policy_read(struct lr_policy *self, const struct setting *mapping) LT_MUST_CHECK;
void lr_policy_release(struct lr_policy *self);

/* Appends the policy as YAML `key: value` lines that read back to the same policy. */
void lr_policy_write(struct text *out, const struct lr_policy *self, int indent);

/* The rate at schedule step t. With a warm-up the schedule proper runs over total - warmup steps. */
double lr_policy_at(const struct lr_policy *self, double base, int64_t t);
