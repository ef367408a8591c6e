/* Outputs that are made again in backward instead of being stored from forward on: those of ops that have a kernel for
 * it, where all that it reads is there in backward anyway. They cost a pass over memory, and save their whole size. */
#include "data/base/memory.h"
#include "engine/graph/plan_internal.h"

/* Does a backward instruction read the value's content? */
static bool is_read_in_backward(const struct plan *self, const struct value *value)
{
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        if (!plan_has_backward(self, node)) continue;
        for (int i = 0; i < node->in_count; i++)
            if (node->in[i] == value && (node->op->backward_reads & ((unsigned)OP_READS_IN0 << i))) return true;
        if (value->producer == node && (node->op->backward_reads & OP_READS_OUT)) return true;
    }
    return false;
}

/* Are the activations that making it again reads there in backward? They are when the node's own backward reads them.
 */
static bool inputs_are_kept(const struct plan *self, const struct node *node)
{
    if (!plan_has_backward(self, node)) return false;
    if (self->kernel[node->id]->recompute_from_saved) return true;
    for (int i = 0; i < node->in_count; i++)
        if (node->in[i]->kind == VALUE_ACTIVATION && !(node->op->backward_reads & ((unsigned)OP_READS_IN0 << i)))
            return false;
    return true;
}

void plan_mark_recomputed(struct plan *self)
{
    for (size_t n = 0; self->options.training && n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        const struct value *out = node->out[0];
        if (!self->kernel[n]->recompute || node->out_count != 1 || plan_is_output(self, out)) continue;
        self->place[out->id].recomputed = inputs_are_kept(self, node) && is_read_in_backward(self, out);
    }
}

void plan_make_again(struct plan *self, const struct value *value)
{
    struct place *place = &self->place[value->id];
    if (!place->recomputed || place->again_lifetime >= 0) return;
    const struct node *node = value->producer;
    const int reads = self->kernel[node->id]->recompute_from_saved ? 0 : node->in_count;
    for (int i = 0; i < reads; i++) plan_make_again(self, node->in[i]);
    for (int i = 0; i < reads; i++) plan_touch_in_backward(self, node->in[i]);
    for (int k = 0; k < node->saved_count; k++) plan_touch(self, self->place[node->saved[k]->id].lifetime);
    place->again_lifetime = plan_add_lifetime(self, plan_bytes(self, value));
    struct call *call = memory_new(1, sizeof *call);
    call->node = node;
    plan_own_call(self, call);
    plan_append(self, PLAN_BACKWARD, self->kernel[node->id]->recompute, call);
    self->now++;
}

void plan_touch_in_backward(struct plan *self, const struct value *value)
{
    const struct place *place = &self->place[value->id];
    plan_touch(self, place->recomputed ? place->again_lifetime : place->lifetime);
}

void plan_bind_again(struct plan *self, struct call *call)
{
    const struct node *node = call->node;
    for (int i = 0; i < node->in_count; i++)
        if (self->place[node->in[i]->id].recomputed) call->in[i] = self->place[node->in[i]->id].again;
    for (int k = 0; k < node->out_count; k++)
        if (self->place[node->out[k]->id].recomputed) call->out[k] = self->place[node->out[k]->id].again;
}
