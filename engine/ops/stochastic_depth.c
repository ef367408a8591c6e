/* Whole samples dropped: y = mask(sample) * x / (1 - p), the mask of drop.h. */
#include "engine/ops/drop_reference.h"
#include "engine/ops/ops.h"

static void drop_row(struct tensor y, struct tensor x, int64_t first, int64_t last, struct rng rng, double p,
                     double scale)
{
    const double factor = rng_uniform(&rng) < p ? 0 : scale;
    for (int64_t i = first; i < last; i++) real_set(y, i, real_get(x, i) * factor);
}

const struct kernel stochastic_depth_reference = {.forward = forward, .backward = backward, .evaluate = evaluate};

const struct op op_stochastic_depth = {
    .name = "stochastic_depth",
    .infer = elementwise_infer,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *stochastic_depth(struct graph *g, struct value *x, const char *layer, double p)
{
    return drop_node(g, &op_stochastic_depth, x, layer, p);
}
