#include "engine/ops/drop.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

/* y = mask * x / (1 - p); forward and backward alike. */
static void apply(const struct call *call, const struct step *step, struct tensor y, struct tensor x)
{
    const struct drop *drop = call->node->options;
    const int64_t row = row_count(x);
    const double scale = drop->p < 1 ? 1 / (1 - drop->p) : 0;
    for (int64_t n = 0; n < step->n; n++) {
        struct rng rng = drop_rng(drop, step, step->sample[n]);
        for (int64_t i = 0; i < row; i++)
            real_set(y, n * row + i, rng_uniform(&rng) < drop->p ? 0 : real_get(x, n * row + i) * scale);
    }
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

const struct kernel dropout_reference = {.forward = forward, .backward = backward, .evaluate = evaluate};

const struct op op_dropout = {
    .name = "dropout",
    .infer = elementwise_infer,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *dropout(struct graph *g, struct value *x, const char *layer, double p)
{
    return drop_node(g, &op_dropout, x, layer, p);
}
