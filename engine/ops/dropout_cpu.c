/* y = mask * x / (1 - p), the mask of drop.h. */
#include "engine/ops/drop_cpu.h"

static void drop_row(element *to, const element *from, int64_t count, struct rng rng, double p, float scale)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = element_of((double)rng_uniform(&rng) < p ? 0 : element_value(from[i]) * scale);
}

extern const struct kernel ISA_NAME(dropout_cpu);
const struct kernel ISA_NAME(dropout_cpu) = {.forward = forward, .backward = backward, .evaluate = evaluate};
