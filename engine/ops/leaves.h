/* Sums over samples have one order: sample i belongs to leaf i mod V, leaves are combined by a fixed binary tree. V is
 * a power of two fixed by the op's shape, so bits depend neither on threads nor on load. Leaves may be empty. Thread:
 * any. */
#pragma once

#include <stdint.h>

enum { LEAVES_MAX = 8 };

/* How many leaves a batch capacity has: the largest power of two up to LEAVES_MAX that is not above it. */
static inline int leaf_count(int64_t batch)
{
    int leaves = 1;
    while (leaves < LEAVES_MAX && leaves * 2 <= batch) leaves *= 2;
    return leaves;
}

/* Combines `leaves` values that lie `stride` apart, in place: the sum ends in the first. (l0 + l4) + (l2 + l6) … */
#define LEAVES_COMBINE(type, at, leaves, stride)                                                                       \
    do {                                                                                                               \
        type *leaf_at = (at);                                                                                          \
        for (int leaf_half = (leaves) / 2; leaf_half > 0; leaf_half /= 2)                                              \
            for (int leaf_i = 0; leaf_i < leaf_half; leaf_i++)                                                         \
                leaf_at[leaf_i * (stride)] += leaf_at[(leaf_i + leaf_half) * (stride)];                                \
    } while (0)
