#include "engine/graph/fuse.h"

#include "engine/ops/batch_norm.h"

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

static bool fuse_activation(struct node *norm, struct node *reader)
{
    if (norm->op != &op_batch_norm || !reader->op->activation) return false;
    struct batch_norm_numbers *numbers = norm->options;
    if (numbers->activation) return false;
    numbers->activation = reader->op;
    return true;
}

/* `first` now gives what `second` gave; second and the value between them are no more. */
static void absorb(struct graph *self, struct node *first, struct node *second)
{
    struct value *between = first->out[0];
    size_t nodes = 0, values = 0;
    first->out[0] = second->out[0];
    first->out[0]->producer = first;
    for (size_t i = 0; i < self->node_count; i++) {
        if (self->node[i] == second) continue;
        self->node[nodes] = self->node[i];
        self->node[nodes]->id = (int)nodes;
        nodes++;
    }
    for (size_t i = 0; i < self->value_count; i++) {
        if (self->value[i] == between) continue;
        self->value[values] = self->value[i];
        self->value[values]->id = (int)values;
        values++;
    }
    self->node_count = nodes;
    self->value_count = values;
    graph_free_node(second);
    free(between);
}

void graph_fuse(struct graph *self, struct value *const *kept, int kept_count)
{
    for (size_t n = 0; n < self->node_count; n++) {
        struct node *node = self->node[n];
        struct value *between = node->out_count == 1 ? node->out[0] : NULL;
        if (!between || is_kept(between, kept, kept_count)) continue;
        struct node *reader = only_reader(self, between);
        if (reader && fuse_activation(node, reader)) absorb(self, node, reader);
    }
}
