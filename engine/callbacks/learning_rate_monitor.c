/* Logs the learning rate under Lightning's names: "lr-AdamW", with several groups "lr-AdamW/pg1", "lr-AdamW/pg2". */
#include "engine/callbacks/callback.h"

#include <stdio.h>
#include <string.h>

struct learning_rate_monitor {
    int interval;
};

enum { EACH_STEP, EACH_EPOCH };

static const struct option rows[] = {
    {.key = "logging_interval",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct learning_rate_monitor, interval),
     .initial = "step",
     .choices = "step|epoch",
     .help = "when the rate is logged"},
};

/* The name of the class in torch, which Lightning logs. */
static const char *class_name(const char *optimizer)
{
    if (strcmp(optimizer, "adamw") == 0) return "AdamW";
    if (strcmp(optimizer, "adam") == 0) return "Adam";
    return strcmp(optimizer, "sgd") == 0 ? "SGD" : optimizer;
}

/* Logs the rate of every group; with `declare` only makes their names known. */
static void record(const struct run_view *run, bool declare)
{
    for (int i = 0; i < run->groups; i++) {
        char name[96];
        if (run->groups == 1)
            snprintf(name, sizeof name, "lr-%s", class_name(run->optimizer_name));
        else
            snprintf(name, sizeof name, "lr-%s/%s", class_name(run->optimizer_name), run->group_name[i]);
        struct metric_info info = {.name = name, .unit = "", .description = "learning rate", .goal = GOAL_NONE};
        int id = log_metric(run->log, &info);
        if (!declare) log_scalar(run->log, id, run->step, run->lr[i]);
    }
}

static void on_train_start(void *self, const struct run_view *run, struct wishes *wishes)
{
    (void)wishes;
    const struct learning_rate_monitor *monitor = self;
    record(run, monitor->interval == EACH_STEP || run->step > 0);
}

static void on_step(void *self, const struct run_view *run, struct wishes *wishes)
{
    (void)wishes;
    const struct learning_rate_monitor *monitor = self;
    if (monitor->interval == EACH_STEP) record(run, false);
}

static void on_train_epoch_end(void *self, const struct run_view *run, struct wishes *wishes)
{
    (void)wishes;
    const struct learning_rate_monitor *monitor = self;
    if (monitor->interval == EACH_EPOCH) record(run, false);
}

const struct callback callback_learning_rate_monitor = {
    .name = "learning_rate_monitor",
    .help = "logs the learning rate of each parameter group",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct learning_rate_monitor),
    .on_train_start = on_train_start,
    .on_step = on_step,
    .on_train_epoch_end = on_train_epoch_end,
};
