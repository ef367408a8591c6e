#include "engine/ops/elementwise_cpu.h"

static inline vec function(vec x)
{
    vec low = vec_choose(x < vec_set(0), vec_set(0), x); /* NaN passes */
    return vec_choose(low > vec_set(6), vec_set(6), low);
}

static inline vec slope(vec y)
{
    return vec_choose((y <= vec_set(0)) | (y >= vec_set(6)), vec_set(0), vec_set(1));
}

ELEMENTWISE_KERNELS(relu6, out[0])
