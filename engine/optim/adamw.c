/* AdamW as torch.optim.AdamW (Loshchilov and Hutter, 2019): weight decay shrinks the parameter itself. */
#include "engine/optim/adam.h"

static const struct option rows[] = {ADAM_ROWS("1e-2", "share of lr by which parameters shrink at each step")};

static void update(const struct optimizer_call *call)
{
    adam_update(call, true);
}

const struct optimizer optimizer_adamw = {
    .name = "adamw",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct adam_options),
    .states = 2,
    .state_name = {"exp_avg", "exp_avg_sq"},
    .reference = update,
    .lr = adam_lr,
    .weight_decay = adam_weight_decay,
    .check = adam_check,
};
