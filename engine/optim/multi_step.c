/* The rate is multiplied by gamma at each milestone (torch MultiStepLR). */
#include "engine/optim/schedule.h"

#include <math.h>

struct multi_step_options {
    struct reals milestones; /* schedule steps, in any order */
    double gamma;
};

static const struct option rows[] = {
    {.key = "milestones",
     .type = OPTION_REALS,
     .offset = offsetof(struct multi_step_options, milestones),
     .min = 0,
     .max = 1e15,
     .help = "schedule steps at which the rate decays, for instance [30, 80]"},
    {.key = "gamma",
     .type = OPTION_REAL,
     .offset = offsetof(struct multi_step_options, gamma),
     .initial = "0.1",
     .max = 1e6,
     .help = "factor of each decay"},
};

static double lr(const void *options, double base, int64_t t, int64_t total)
{
    const struct multi_step_options *o = options;
    (void)total;
    int passed = 0;
    for (size_t i = 0; i < o->milestones.count; i++) passed += o->milestones.item[i] <= (double)t;
    return base * pow(o->gamma, passed);
}

const struct schedule schedule_multi_step = {
    .name = "multi_step", .table = OPTION_TABLE(rows), .bound_bytes = sizeof(struct multi_step_options), .lr = lr};
