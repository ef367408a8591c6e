/* Half a cosine from the base rate down to eta_min (Loshchilov and Hutter, 2017), as torch CosineAnnealingLR: past
 * T_max the rate rises again. */
#include "engine/optim/schedule.h"

#include <math.h>

struct cosine_annealing_options {
    int64_t T_max; /* 0 = the planned number of schedule steps */
    double eta_min;
};

static const struct option rows[] = {
    {.key = "T_max",
     .type = OPTION_INT,
     .offset = offsetof(struct cosine_annealing_options, T_max),
     .initial = "null",
     .min = 1,
     .max = 1e15,
     .nullable = true,
     .null_value = 0,
     .help = "schedule steps until eta_min is reached; null: those of the whole run"},
    {.key = "eta_min",
     .type = OPTION_REAL,
     .offset = offsetof(struct cosine_annealing_options, eta_min),
     .initial = "0",
     .max = 1e6,
     .help = "the lowest rate"},
};

static const double pi = 3.14159265358979323846;

/* 1 + cos(pi t / T), with the rounding that torch has. */
static double height(int64_t t, double T)
{
    return 1 + cos(pi * (double)t / T);
}

/* torch multiplies lr - eta_min by height(t) / height(t - 1) at each step, and starts anew from eta_min right after
 * each trough (t = T_max, 3 T_max, …) because the ratio is 0/0 there. The product telescopes to height(t) /
 * height(start): an exact restatement, whose small error near the trough (where height cancels) is torch's own. */
static double lr(const void *options, double base, int64_t t, int64_t total)
{
    const struct cosine_annealing_options *o = options;
    const int64_t span = o->T_max > 0 ? o->T_max : total > 0 ? total : 1;
    const double T = (double)span, range = base - o->eta_min;
    if (t <= span) return o->eta_min + range * height(t, T) / 2;
    const int64_t start = (t - span - 1) / (2 * span) * (2 * span) + span + 1;
    const double first = range * (1 - cos(pi / T)) / 2;
    return t == start ? o->eta_min + first : o->eta_min + first * height(t, T) / height(start, T);
}

const struct schedule schedule_cosine_annealing = {.name = "cosine_annealing",
                                                   .table = OPTION_TABLE(rows),
                                                   .bound_bytes = sizeof(struct cosine_annealing_options),
                                                   .lr = lr};
