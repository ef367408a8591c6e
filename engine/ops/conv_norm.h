/* A 1x1 convolution without bias and the batch norm (and activation) behind it as one node, which the fusing pass makes
 * of the two (engine/graph/fuse.h). Implementers' header. Thread: any.
 * in: 0 x [n,h,w,ci], 1 weight of the convolution, 2 … 6 what in[1 … 5] of the norm are. out: 0 y [n,h,w,co].
 * saved: 0 … 2 of the norm, 3 z [n,h,w,co], the convolution's output. */
#pragma once

#include "engine/ops/op.h"

enum { CONV_NORM_IN = 7, CONV_NORM_Z = 3 };

/* The options: the two nodes as they were, owned. They are no longer in the graph; their values are. */
struct conv_norm_nodes {
    struct node *convolution, *norm;
};

/* Can the two be one node? `norm` reads what `convolution` makes. */
bool conv_norm_fits(const struct node *convolution, const struct node *norm);

/* The node of the two, which it owns from here on; it takes over norm's output. Not in a graph yet. */
struct node *conv_norm_new(struct node *convolution, struct node *norm);

/* The calls of the two nodes that the call of such a node stands for. The norm's din[0] and the convolution's dout[0],
 * the gradient of z, are at `dz` (NULL where it does not exist); workspaces are the caller's to set. */
struct call conv_norm_convolution(const struct call *call, void *dz);
struct call conv_norm_norm(const struct call *call, void *dz);
