/* What dropout and stochastic depth share in the reference: forward and backward alike, copied when evaluating. The
 * file that includes this defines drop_row. Implementers' header. */
#pragma once

#include "engine/ops/drop.h"
#include "engine/ops/elementwise.h"

/* y = mask * x * scale for the elements first … last - 1, one sample, the mask by its numbers: dropped when < p. */
static void drop_row(struct tensor y, struct tensor x, int64_t first, int64_t last, struct rng rng, double p,
                     double scale);

static void apply(const struct call *call, const struct step *step, struct tensor y, struct tensor x)
{
    const struct drop *drop = call->node->options;
    const int64_t row = row_count(x);
    const double scale = drop->p < 1 ? 1 / (1 - drop->p) : 0;
    for (int64_t n = 0; n < step->n; n++)
        drop_row(y, x, n * row, (n + 1) * row, drop_rng(drop, step, step->sample[n]), drop->p, scale);
}

static void forward(const struct call *call, const struct step *step)
{
    apply(call, step, call->out[0], call->in[0]);
}

static void backward(const struct call *call, const struct step *step)
{
    apply(call, step, call->din[0], call->dout[0]);
}

static void evaluate(const struct call *call, const struct step *step)
{
    const int64_t count = step->n * row_count(call->in[0]);
    for (int64_t i = 0; i < count; i++) real_set(call->out[0], i, real_get(call->in[0], i));
}
