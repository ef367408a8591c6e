/* The graph pass that puts an op and the one behind it into one pass over memory, where a fused kernel exists:
 *     batch norm, then an activation         ->  batch norm with the activation
 * A value that only the second one read is then never stored. Runs between building a graph and compiling it, for
 * backends that say they fuse; the meaning of the graph stays, names of layers too. Thread: one. */
#pragma once

#include "engine/graph/graph.h"

/* Values that must stay readable: outputs of the plan. Changes the graph in place; its ids are renumbered. */
void graph_fuse(struct graph *self, struct value *const *kept, int kept_count);
