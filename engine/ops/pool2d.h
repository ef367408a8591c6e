/* max_pool2d and avg_pool2d: windows over [n,h,w,c], torch's sizes. Implementers' header. Thread: any. */
#pragma once

#include "engine/ops/op.h"
#include "engine/ops/ops.h"

struct pool_sizes {
    int64_t h, w, c, oh, ow;
    struct pool_options options; /* stride resolved */
};
struct pool_sizes pool_sizes(const struct node *node);

/* The window of output (oh, ow), cut to the picture: rows h0 … h1-1, columns w0 … w1-1. */
struct pool_window {
    int64_t h0, h1, w0, w1;
    int64_t padded; /* its elements counted with padding, as torch's count_include_pad */
};
struct pool_window pool_window(const struct pool_sizes *s, int64_t oh, int64_t ow);

/* The output's shape for x and options; fails when the window is larger than the padded picture. */
enum lt_err pool_infer(struct graph *graph, struct node *node);

/* For builders: fills in the stride and adds the node. */
struct value *pool_node(struct graph *g, const struct op *op, struct value *x, const char *layer,
                        struct pool_options options);
