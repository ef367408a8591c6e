/* The rate is multiplied by gamma every step_size steps (torch StepLR). */
#include "engine/optim/schedule.h"

#include <math.h>

struct step_options {
    int64_t step_size;
    double gamma;
};

static const struct option rows[] = {
    {.key = "step_size",
     .type = OPTION_INT,
     .offset = offsetof(struct step_options, step_size),
     .min = 1,
     .max = 1e15,
     .help = "schedule steps between two decays"},
    {.key = "gamma",
     .type = OPTION_REAL,
     .offset = offsetof(struct step_options, gamma),
     .initial = "0.1",
     .max = 1e6,
     .help = "factor of each decay"},
};

static double lr(const void *options, double base, int64_t t, int64_t total)
{
    const struct step_options *o = options;
    (void)total;
    const int64_t decays = t / o->step_size;
    return base * pow(o->gamma, (double)decays);
}

const struct schedule schedule_step = {
    .name = "step", .table = OPTION_TABLE(rows), .bound_bytes = sizeof(struct step_options), .lr = lr};
