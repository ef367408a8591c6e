/* Stochastic gradient descent as torch.optim.SGD (with momentum, dampening, Nesterov, coupled weight decay). */
#include "engine/optim/sgd.h"

#include "engine/optim/optimizer.h"

static const struct option rows[] = {
    {.key = "lr",
     .type = OPTION_REAL,
     .offset = offsetof(struct sgd_options, lr),
     .initial = "1e-3",
     .max = 1e6,
     .help = "learning rate before the schedule"},
    {.key = "momentum",
     .type = OPTION_REAL,
     .offset = offsetof(struct sgd_options, momentum),
     .initial = "0",
     .max = 1,
     .help = "share of the previous step that is kept"},
    {.key = "dampening",
     .type = OPTION_REAL,
     .offset = offsetof(struct sgd_options, dampening),
     .initial = "0",
     .max = 1,
     .help = "how much the gradient is damped before it enters the momentum"},
    {.key = "weight_decay",
     .type = OPTION_REAL,
     .offset = offsetof(struct sgd_options, weight_decay),
     .initial = "0",
     .max = 1e6,
     .help = "L2 penalty, added to the gradient"},
    {.key = "nesterov",
     .type = OPTION_BOOL,
     .offset = offsetof(struct sgd_options, nesterov),
     .initial = "false",
     .help = "Nesterov momentum; needs momentum > 0 and dampening 0"},
};

/* One parameter, in torch's order: decay, momentum buffer, Nesterov, step. `real` is the arithmetic of every operation.
 */
#define SGD_SEGMENT(real)                                                                                              \
    static void segment_##real(const struct optimizer_call *call, const struct segment *segment)                       \
    {                                                                                                                  \
        const struct sgd_options *o = call->options;                                                                   \
        const struct group_scalars *group = &call->group[segment->group];                                              \
        const real lr = (real)group->lr, decay = (real)group->weight_decay, momentum = (real)o->momentum;              \
        const real share = (real)(1.0 - o->dampening);                                                                 \
        real *p = (real *)call->parameter + segment->offset, *buffer = (real *)call->state[0] + segment->offset;       \
        const real *gradient = (const real *)call->gradient + segment->offset;                                         \
        for (int64_t i = 0; i < segment->count; i++) {                                                                 \
            real g = gradient[i];                                                                                      \
            if (decay != 0) g = g + decay * p[i];                                                                      \
            if (momentum != 0) {                                                                                       \
                buffer[i] = *call->step == 1 ? g : buffer[i] * momentum + share * g;                                   \
                g = o->nesterov ? g + momentum * buffer[i] : buffer[i];                                                \
            }                                                                                                          \
            p[i] = p[i] - lr * g;                                                                                      \
        }                                                                                                              \
    }
SGD_SEGMENT(float)
SGD_SEGMENT(double)

static void update(const struct optimizer_call *call)
{
    for (int64_t s = 0; s < call->segments; s++) {
        if (call->real == DTYPE_F64)
            segment_double(call, &call->segment[s]);
        else
            segment_float(call, &call->segment[s]);
    }
}

static double lr(const void *options)
{
    return ((const struct sgd_options *)options)->lr;
}

static double weight_decay(const void *options)
{
    return ((const struct sgd_options *)options)->weight_decay;
}

static enum lt_err check(const void *options, const struct setting *where)
{
    const struct sgd_options *o = options;
    if (!o->nesterov || (o->momentum > 0 && o->dampening == 0)) return LT_OK;
    const struct setting *key = setting_get(where, "nesterov");
    return setting_fail(key ? key : where,
                        "nesterov needs momentum > 0 and dampening 0, but momentum is %g and dampening %g", o->momentum,
                        o->dampening);
}

const struct optimizer optimizer_sgd = {
    .name = "sgd",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct sgd_options),
    .states = 1,
    .state_name = {"momentum_buffer"},
    .reference = update,
    .lr = lr,
    .weight_decay = weight_decay,
    .check = check,
};
