/* add and mul: b has a's shape, or is [n,1,1,c] and spread over a [n,h,w,c]. Implementers' header. Thread: any. */
#pragma once

#include "engine/ops/op.h"

/* The shape rule of both. */
enum lt_err spread_infer(struct graph *graph, struct node *node);

/* How b is indexed: element i of a meets element spread_index(s, i) of b. */
struct spread {
    int64_t row, c; /* elements of one sample of a; channels, or 0 when shapes are equal */
};
struct spread spread_of(const struct node *node);
static inline int64_t spread_index(struct spread s, int64_t i)
{
    return s.c ? i / s.row * s.c + i % s.c : i;
}
