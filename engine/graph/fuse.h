/* The graph pass that puts an op and the one behind it into one pass over memory, where a fused kernel exists:
 *     batch norm, then an activation         ->  batch norm with the activation
 *     1x1 convolution, then batch norm       ->  conv_norm (engine/ops/conv_norm.h), and an activation with it
 * A value that only the second one read is then never stored, or kept for backward alone. Runs between building a graph
 * and compiling it, for backends that say they fuse; the meaning of the graph stays, names of layers too. Thread: one.
 */
#pragma once

#include "engine/graph/graph.h"

/* Values that must stay readable: outputs of the plan. Changes the graph in place; its ids are renumbered. */
void graph_fuse(struct graph *self, struct value *const *kept, int kept_count);

/* Makes one conv_norm of the convolution at node[at] and the norm that reads it, whether that is worth it or not. */
void graph_join(struct graph *self, size_t at);
