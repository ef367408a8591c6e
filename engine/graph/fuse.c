#include "engine/graph/fuse.h"

#include "engine/ops/batch_norm.h"
#include "engine/ops/conv_norm.h"

#include <stdlib.h>

static bool is_kept(const struct value *value, struct value *const *kept, int count)
{
    for (int i = 0; i < count; i++)
        if (kept[i] == value) return true;
    return false;
}

/* The one node that reads a value, through its in[0]; NULL when there are others, or none. */
static struct node *only_reader(const struct graph *self, const struct value *value)
{
    struct node *reader = NULL;
    for (size_t n = 0; n < self->node_count; n++)
        for (int i = 0; i < self->node[n]->in_count; i++) {
            if (self->node[n]->in[i] != value) continue;
            if (reader || i != 0) return NULL;
            reader = self->node[n];
        }
    return reader;
}

/* The norm of a node, where an activation can follow it. */
static struct batch_norm_numbers *norm_of(const struct node *node)
{
    if (node->op == &op_batch_norm) return node->options;
    if (node->op != &op_conv_norm) return NULL;
    return ((const struct conv_norm_nodes *)node->options)->norm->options;
}

static bool fuse_activation(const struct node *node, const struct node *reader)
{
    struct batch_norm_numbers *norm = norm_of(node);
    if (!norm || norm->activation || !reader->op->activation) return false;
    norm->activation = reader->op;
    return true;
}

/* Takes a node, or a value, out of the graph; the ids behind it move up. */
static void remove_node(struct graph *self, const struct node *node)
{
    size_t nodes = 0;
    for (size_t i = 0; i < self->node_count; i++) {
        if (self->node[i] == node) continue;
        self->node[nodes] = self->node[i];
        self->node[nodes]->id = (int)nodes;
        nodes++;
    }
    self->node_count = nodes;
}

static void remove_value(struct graph *self, const struct value *value)
{
    size_t values = 0;
    for (size_t i = 0; i < self->value_count; i++) {
        if (self->value[i] == value) continue;
        self->value[values] = self->value[i];
        self->value[values]->id = (int)values;
        values++;
    }
    self->value_count = values;
}

/* `first` now gives what `second` gave; second and the value between them are no more. */
static void absorb(struct graph *self, struct node *first, struct node *second)
{
    struct value *between = first->out[0];
    first->out[0] = second->out[0];
    first->out[0]->producer = first;
    remove_node(self, second);
    remove_value(self, between);
    graph_free_node(second);
    free(between);
}

/* What was between the two is saved for backward. */
void graph_join(struct graph *self, size_t at)
{
    struct node *norm = only_reader(self, self->node[at]->out[0]);
    lt_assert(norm && conv_norm_fits(self->node[at], norm));
    self->node[at] = conv_norm_new(self->node[at], norm);
    self->node[at]->id = (int)at;
    remove_node(self, norm);
}

/* Fused kernels work by samples and keep all weights in the second-level cache: worth it for large pictures. */
static bool is_worth_joining(const struct node *convolution)
{
    enum { SAMPLES = 8, PIXELS = 196, WEIGHTS = 1 << 16 };
    const int64_t *y = convolution->out[0]->shape.size;
    return y[0] >= SAMPLES && y[1] * y[2] >= PIXELS && shape_count(convolution->in[1]->shape) <= WEIGHTS;
}

static bool fuse_next(struct graph *self, size_t at)
{
    struct node *node = self->node[at], *reader = only_reader(self, node->out[0]);
    if (!reader) return false;
    if (fuse_activation(node, reader)) return absorb(self, node, reader), true;
    if (!conv_norm_fits(node, reader) || !is_worth_joining(node)) return false;
    graph_join(self, at);
    return true;
}

void graph_fuse(struct graph *self, struct value *const *kept, int kept_count)
{
    for (size_t n = 0; n < self->node_count; n++)
        while (self->node[n]->out_count == 1 && !is_kept(self->node[n]->out[0], kept, kept_count))
            if (!fuse_next(self, n)) break;
}
