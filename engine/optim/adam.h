/* Options of Adam and AdamW and the numbers of one update, shared by their updates (reference, cpu). Thread: any. */
#pragma once

#include "engine/optim/optimizer.h"

struct adam_options {
    double lr;
    struct reals betas; /* two */
    double eps, weight_decay;
};

/* The rows of both tables; they differ in the decay's default and meaning. */
/* clang-format off */
#define ADAM_ROWS(decay, decay_help)                                                                                   \
    {.key = "lr", .type = OPTION_REAL, .offset = offsetof(struct adam_options, lr), .initial = "1e-3", .max = 1e6,      \
     .help = "learning rate before the schedule"},                                                                     \
    {.key = "betas", .type = OPTION_REALS, .offset = offsetof(struct adam_options, betas), .initial = "[0.9, 0.999]",   \
     .max = 0.9999999999, .help = "decay of the running means of the gradient and of its square"},                     \
    {.key = "eps", .type = OPTION_REAL, .offset = offsetof(struct adam_options, eps), .initial = "1e-8", .max = 1e6,    \
     .help = "added to the denominator"},                                                                              \
    {.key = "weight_decay", .type = OPTION_REAL, .offset = offsetof(struct adam_options, weight_decay),                \
     .initial = decay, .max = 1e6, .help = decay_help}
/* clang-format on */

/* The scalars of one segment's update, in double as Python has them (torch.optim.adam._single_tensor_adam):
 *   decoupled:  p *= keep;   else:  g += decay p
 *   m += (g - m) first;   v = v beta2 + second g g
 *   p += minus_step_size m / (sqrt(v) / root + eps) */
struct adam_scalars {
    double keep, decay;     /* 1 - lr weight_decay or 1; weight_decay or 0 */
    double first;           /* 1 - beta1 */
    double beta2, second;   /* beta2, 1 - beta2 */
    double minus_step_size; /* -lr / (1 - beta1^step) */
    double root, eps;       /* sqrt(1 - beta2^step) */
};

struct adam_scalars adam_scalars(const struct optimizer_call *call, const struct group_scalars *group, bool decoupled);

/* The reference update of both. */
void adam_update(const struct optimizer_call *call, bool decoupled);

/* The check of both: two betas, each in [0, 1). */
enum lt_err adam_check(const void *options, const struct setting *where) LT_MUST_CHECK;
double adam_lr(const void *options);
double adam_weight_decay(const void *options);
