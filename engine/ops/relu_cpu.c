#include "engine/ops/elementwise_cpu.h"

static inline vec function(vec x)
{
    return vec_choose(x < vec_set(0), vec_set(0), x); /* NaN passes */
}

static inline vec slope(vec y)
{
    return vec_choose(y <= vec_set(0), vec_set(0), vec_set(1));
}

ELEMENTWISE_KERNELS(relu, out[0])
