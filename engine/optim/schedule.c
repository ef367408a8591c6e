#include "engine/optim/schedule.h"

#include "engine/optim/option_split.h"

#include <stdlib.h>
#include <string.h>

static const struct schedule *const schedules[] = {
#define SCHEDULE(name) &schedule_##name,
#include "engine/optim/schedules.def"
#undef SCHEDULE
};
enum { SCHEDULES = sizeof schedules / sizeof schedules[0] };

const struct schedule *schedule_find(const char *name)
{
    const char *names[SCHEDULES];
    struct text list = {0};
    for (int i = 0; i < SCHEDULES; i++) {
        names[i] = schedules[i]->name;
        text_add(&list, "%s%s", i ? ", " : "", names[i]);
        if (strcmp(names[i], name) != 0) continue;
        text_release(&list);
        return schedules[i];
    }
    const char *near = options_nearest(name, names, SCHEDULES);
    (void)lt_fail(LT_EUSAGE, "there is no schedule '%s'%s%s%s; there are %s", name, near ? " (did you mean " : "",
                  near ? near : "", near ? "?)" : "", text_get(&list));
    text_release(&list);
    return NULL;
}

/* The keys every schedule has besides its own. */
struct common {
    int interval;
    const struct setting *warmup;
};
static const struct option common_rows[] = {
    {.key = "interval",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct common, interval),
     .initial = "epoch",
     .choices = "epoch|step",
     .help = "what one schedule step is"},
    {.key = "warmup",
     .type = OPTION_SETTING,
     .offset = offsetof(struct common, warmup),
     .initial = "null",
     .help = "linear warm-up before the schedule: {steps: 500, start_factor: 0.01}"},
};

struct warmup {
    int64_t steps;
    double start_factor;
};
static const struct option warmup_rows[] = {
    {.key = "steps",
     .type = OPTION_INT,
     .offset = offsetof(struct warmup, steps),
     .initial = "0",
     .max = 1e15,
     .help = "schedule steps from start_factor to the full rate"},
    {.key = "start_factor",
     .type = OPTION_REAL,
     .offset = offsetof(struct warmup, start_factor),
     .initial = "0.3333333333333333",
     .max = 1,
     .open_min = true,
     .help = "share of the base rate at the first step"},
};

enum lt_err lr_policy_read(struct lr_policy *self, const struct setting *mapping)
{
    *self = (struct lr_policy){.schedule = &schedule_constant, .start_factor = 1};
    if (!setting_is_null(mapping)) {
        const struct setting *name = setting_get(mapping, "name");
        if (mapping->kind != SETTING_MAPPING) return setting_fail(mapping, "expected {name: cosine_annealing, …}");
        if (name == NULL || name->kind != SETTING_SCALAR)
            return setting_fail(mapping, "the schedule needs a name, for instance {name: cosine_annealing}");
        self->schedule = schedule_find(name->scalar);
        if (self->schedule == NULL) return setting_fail(name, "%s", lt_message());
    }
    struct common common = {0};
    struct warmup warmup = {0};
    struct option_split split = {OPTION_TABLE(common_rows), sizeof common, self->schedule->table,
                                 self->schedule->bound_bytes};
    LT_TRY(option_split_bind(&split, &common, &self->options, mapping));
    LT_TRY(options_bind(&warmup, OPTION_TABLE(warmup_rows), common.warmup));
    self->interval = (enum schedule_interval)common.interval;
    self->warmup = warmup.steps;
    self->start_factor = warmup.start_factor;
    return LT_OK;
}

void lr_policy_release(struct lr_policy *self)
{
    if (self->options != NULL) options_release(self->options, self->schedule->table);
    free(self->options);
    *self = (struct lr_policy){0};
}

void lr_policy_write(struct text *out, const struct lr_policy *self, int indent)
{
    const struct warmup warmup = {self->warmup, self->start_factor};
    text_add(out, "%*sname: %s\n", indent, "", self->schedule->name);
    options_write(out, self->options, self->schedule->table, indent);
    text_add(out, "%*sinterval: %s\n", indent, "", self->interval == SCHEDULE_STEP ? "step" : "epoch");
    text_add(out, "%*swarmup:\n", indent, "");
    options_write(out, &warmup, OPTION_TABLE(warmup_rows), indent + 2);
}

double lr_policy_at(const struct lr_policy *self, double base, int64_t t)
{
    if (t < self->warmup)
        return base * (self->start_factor + (1 - self->start_factor) * (double)t / (double)self->warmup);
    return self->schedule->lr(self->options, base, t - self->warmup, self->total - self->warmup);
}
