/* What layer norm's kernels need to know. Implementers' header. Thread: any. */
#pragma once

#include "engine/ops/op.h"

struct layer_norm_numbers {
    double eps;
};
