#include "engine/ops/elementwise_cpu.h"

static inline vec value(vec x)
{
    return vec_sigmoid(x);
}

static inline vec slope(vec y)
{
    return y * (vec_set(1) - y);
}

ELEMENTWISE_KERNELS(sigmoid, value, slope, out[0])
