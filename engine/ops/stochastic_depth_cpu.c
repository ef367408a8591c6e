/* Whole samples dropped: y = mask(sample) * x / (1 - p), the mask of drop.h. */
#include "engine/ops/drop_cpu.h"

static void drop_row(element *to, const element *from, int64_t count, struct rng rng, double p, float scale)
{
    const float factor = (double)rng_uniform(&rng) < p ? 0 : scale;
#define SCALE(k, some) element_store_some(to + (k), element_load_some(from + (k), some) * vec_set(factor), some)
    EACH_VECTOR(count, SCALE);
#undef SCALE
}

extern const struct kernel ISA_NAME(stochastic_depth_cpu);
const struct kernel ISA_NAME(stochastic_depth_cpu) = {.forward = forward, .backward = backward, .evaluate = evaluate};
