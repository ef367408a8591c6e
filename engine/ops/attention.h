/* What attention's kernels need to know. Implementers' header. Thread: any.
 * in: 0 qkv [n,s,3d]: of each token its query, key and value, each cut into heads of d/heads. out: [n,s,d]. saved: 0
 * the log of the sum of exponentials of each row of scores [n,heads,s], from which backward finds the probabilities
 * again. */
#pragma once

#include "engine/ops/op.h"

struct attention_numbers {
    int64_t heads;
};

struct attention_sizes {
    int64_t s, d, heads, width; /* tokens, features, heads, features of a head */
};
struct attention_sizes attention_sizes(const struct node *node);
