#include "engine/ops/elementwise_cpu.h"

static inline vec function(vec x)
{
    return x * vec_sigmoid(x);
}

static inline vec slope(vec x)
{
    vec s = vec_sigmoid(x);
    return s * (vec_set(1) + x * (vec_set(1) - s));
}

ELEMENTWISE_KERNELS(silu, in[0])
