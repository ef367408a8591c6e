/* The rate is multiplied by gamma at every step (torch ExponentialLR). */
#include "engine/optim/schedule.h"

#include <math.h>

struct exponential_options {
    double gamma;
};

static const struct option rows[] = {
    {.key = "gamma",
     .type = OPTION_REAL,
     .offset = offsetof(struct exponential_options, gamma),
     .max = 1e6,
     .help = "factor at each schedule step, for instance 0.95"},
};

static double lr(const void *options, double base, int64_t t, int64_t total)
{
    (void)total;
    return base * pow(((const struct exponential_options *)options)->gamma, (double)t);
}

const struct schedule schedule_exponential = {
    .name = "exponential", .table = OPTION_TABLE(rows), .bound_bytes = sizeof(struct exponential_options), .lr = lr};
