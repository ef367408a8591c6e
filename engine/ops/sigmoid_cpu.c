#include "engine/ops/elementwise_cpu.h"

static inline vec function(vec x)
{
    return vec_sigmoid(x);
}

static inline vec slope(vec y)
{
    return y * (vec_set(1) - y);
}

ELEMENTWISE_KERNELS(sigmoid, out[0])
