/* What batch norm's kernels need to know. Implementers' header. Thread: any.
 * in: 0 x [n,h,w,c], 1 weight, 2 bias, 3 running_mean, 4 running_var [c], 5 num_batches_tracked i64. Forward updates 3
 * to 5. saved: 0 mean, 1 scale = 1/sqrt(var + eps), 2 shift, each [c], as used in this step:
 * y = f((x - mean) scale weight + shift), where f is the activation that a plan may have put behind the layer. */
#pragma once

#include "engine/ops/op.h"

struct batch_norm_numbers {
    double eps, momentum;
    const struct op *activation; /* NULL: none */
};

/* A layer whose weight and bias are both frozen runs on its running statistics, in training too. */
bool batch_norm_is_frozen(const struct node *node);
