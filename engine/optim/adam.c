/* Adam as torch.optim.Adam (Kingma and Ba, 2015): weight decay is added to the gradient. AdamW shares everything but
 * that. */
#include "engine/optim/adam.h"

#include <math.h>

static const struct option rows[] = {ADAM_ROWS("0", "L2 penalty, added to the gradient")};

struct adam_scalars adam_scalars(const struct optimizer_call *call, const struct group_scalars *group, bool decoupled)
{
    const struct adam_options *o = call->options;
    const double beta1 = o->betas.item[0], beta2 = o->betas.item[1], step = (double)*call->step;
    return (struct adam_scalars){
        .keep = decoupled ? 1.0 - group->lr * group->weight_decay : 1.0,
        .decay = decoupled ? 0.0 : group->weight_decay,
        .first = 1.0 - beta1,
        .beta2 = beta2,
        .second = 1.0 - beta2,
        .minus_step_size = -(group->lr / (1.0 - pow(beta1, step))),
        .root = sqrt(1.0 - pow(beta2, step)),
        .eps = o->eps,
    };
}

/* One parameter, in torch's order; torch.lerp works from the nearer end. `real` is the arithmetic of every operation.
 */
#define ADAM_SEGMENT(real, root_of)                                                                                    \
    static void segment_##real(const struct optimizer_call *call, const struct segment *segment,                       \
                               struct adam_scalars s)                                                                  \
    {                                                                                                                  \
        const real keep = (real)s.keep, decay = (real)s.decay, first = (real)s.first, beta2 = (real)s.beta2;           \
        const real second = (real)s.second, step = (real)s.minus_step_size, root = (real)s.root, eps = (real)s.eps;    \
        real *p = (real *)call->parameter + segment->offset;                                                           \
        real *m = (real *)call->state[0] + segment->offset, *v = (real *)call->state[1] + segment->offset;             \
        const real *gradient = (const real *)call->gradient + segment->offset;                                         \
        for (int64_t i = 0; i < segment->count; i++) {                                                                 \
            p[i] = p[i] * keep;                                                                                        \
            const real g = decay == 0 ? gradient[i] : gradient[i] + decay * p[i];                                      \
            const real difference = g - m[i];                                                                          \
            m[i] = first < (real)0.5 ? m[i] + first * difference : g - difference * (1 - first);                       \
            v[i] = v[i] * beta2 + second * g * g;                                                                      \
            p[i] = p[i] + step * m[i] / (root_of(v[i]) / root + eps);                                                  \
        }                                                                                                              \
    }
ADAM_SEGMENT(float, sqrtf)
ADAM_SEGMENT(double, sqrt)

void adam_update(const struct optimizer_call *call, bool decoupled)
{
    for (int64_t i = 0; i < call->segments; i++) {
        const struct segment *segment = &call->segment[i];
        struct adam_scalars scalars = adam_scalars(call, &call->group[segment->group], decoupled);
        if (call->real == DTYPE_F64)
            segment_double(call, segment, scalars);
        else
            segment_float(call, segment, scalars);
    }
}

enum lt_err adam_check(const void *options, const struct setting *where)
{
    const struct adam_options *o = options;
    const struct setting *key = setting_get(where, "betas");
    if (o->betas.count != 2)
        return setting_fail(key, "betas are two numbers, for instance [0.9, 0.999], but %zu stand here",
                            o->betas.count);
    return LT_OK;
}

double adam_lr(const void *options)
{
    return ((const struct adam_options *)options)->lr;
}

double adam_weight_decay(const void *options)
{
    return ((const struct adam_options *)options)->weight_decay;
}

static void update(const struct optimizer_call *call)
{
    adam_update(call, false);
}

const struct optimizer optimizer_adam = {
    .name = "adam",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct adam_options),
    .states = 2,
    .state_name = {"exp_avg", "exp_avg_sq"},
    .reference = update,
    .lr = adam_lr,
    .weight_decay = adam_weight_decay,
    .check = adam_check,
};
