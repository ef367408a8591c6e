/* y = mask * x / (1 - p), the mask of drop.h. */
#include "engine/ops/drop_reference.h"
#include "engine/ops/ops.h"

static void drop_row(struct tensor y, struct tensor x, int64_t first, int64_t last, struct rng rng, double p,
                     double scale)
{
    for (int64_t i = first; i < last; i++) real_set(y, i, rng_uniform(&rng) < p ? 0 : real_get(x, i) * scale);
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
