/* Backward, derived by walking the nodes in reverse from the loss: a node's backward instruction comes after those of
 * all nodes that read its outputs, so the gradients it reads are complete. */
#include "data/base/memory.h"
#include "engine/graph/plan_internal.h"

/* ---- what is wanted ---- */

bool plan_has_backward(const struct plan *self, const struct node *node)
{
    if (!self->options.training) return false;
    for (int i = 0; i < node->in_count; i++)
        if (self->place[node->in[i]->id].wanted) return true;
    return false;
}

enum lt_err plan_mark_wanted(struct plan *self)
{
    for (int i = 0; i < self->tensors; i++) {
        const struct value *value = self->parameter[i];
        self->place[value->id].wanted = value->kind == VALUE_PARAMETER && !value->frozen;
    }
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        if (!plan_has_backward(self, node)) continue;
        if (self->kernel[n]->backward == NULL)
            return lt_fail(LT_EUNSUPPORTED, "layer %s: the op %s cannot be trained through on the %s backend",
                           node->name, node->op->name, self->options.backend->name);
        for (int k = 0; k < node->out_count; k++)
            self->place[node->out[k]->id].wanted = node->out[k]->dtype == DTYPE_REAL;
    }
    return LT_OK;
}

/* Has a gradient arrived at this node, or does the walk start here? */
static bool is_reached(const struct plan *self, const struct node *node)
{
    if (self->outputs.loss->producer == node) return true;
    for (int k = 0; k < node->out_count; k++)
        if (self->place[node->out[k]->id].gradients > 0) return true;
    return false;
}

/* ---- one node ---- */

/* Calls `what` for every value whose content backward reads. */
static void each_read(struct plan *self, const struct node *node, void (*what)(struct plan *, const struct value *))
{
    const unsigned reads = node->op->backward_reads;
    for (int i = 0; i < node->in_count; i++)
        if (reads & ((unsigned)OP_READS_IN0 << i)) what(self, node->in[i]);
    for (int k = 0; k < node->out_count; k++)
        if (reads & OP_READS_OUT) what(self, node->out[k]);
}

static void touch_what_backward_reads(struct plan *self, const struct node *node)
{
    each_read(self, node, plan_make_again);
    each_read(self, node, plan_touch_in_backward);
    for (int k = 0; k < node->out_count; k++) plan_touch(self, self->place[node->out[k]->id].gradient_lifetime);
    for (int k = 0; k < node->saved_count; k++) plan_touch(self, self->place[node->saved[k]->id].lifetime);
}

/* The first gradient of input i: a parameter's lies flat; an activation's in the arena, over dout[0] where the op
 * allows it: nothing else reads dout[0], which has one producer. */
static void make_gradient(struct plan *self, const struct node *node, int i)
{
    const struct value *in = node->in[i];
    if (in->kind != VALUE_ACTIVATION) return;
    const int lifetime = plan_add_lifetime(self, plan_bytes(self, in));
    const int over = self->place[node->out[0]->id].gradient_lifetime;
    if (i == 0 && node->op->in_place_backward && over >= 0 && shape_equal(in->shape, node->out[0]->shape))
        self->lifetime[lifetime].same_as = over;
    self->place[in->id].gradient_lifetime = lifetime;
}

static struct accumulation *make_accumulation(struct plan *self, struct call *writer, int input)
{
    const struct value *in = writer->node->in[input];
    struct accumulation *sum = memory_new(1, sizeof *sum);
    *sum = (struct accumulation){.call.node = writer->node, .writer = writer, .input = input, .flat = self->flat};
    sum->temporary = plan_add_lifetime(self, plan_bytes(self, in));
    sum->whole = in->kind != VALUE_ACTIVATION;
    plan_own_call(self, &sum->call);
    self->accumulation = memory_grow(self->accumulation, self->accumulations, &self->accumulation_capacity,
                                     sizeof(void *));
    return self->accumulation[self->accumulations++] = sum;
}

static void accumulate(const struct call *call, const struct step *step)
{
    const struct accumulation *self = (const void *)call;
    const struct tensor sum = call->out[0];
    const int64_t all = shape_count(sum.shape), count = self->whole ? all : all / sum.shape.size[0] * step->n;
    self->flat->accumulate(step->device, sum.dtype, sum.data, call->in[0].data, count, false);
}

static void backward_node(struct plan *self, const struct node *node)
{
    struct accumulation *sums[NODE_IN_MAX];
    int count = 0;
    struct call *call = memory_new(1, sizeof *call);
    call->node = node;
    plan_own_call(self, call);
    touch_what_backward_reads(self, node);
    kernel_function *run = self->kernel[node->id]->backward;
    for (int i = 0; i < node->in_count; i++) {
        struct place *place = &self->place[node->in[i]->id];
        if (!place->wanted) continue;
        if (place->gradients++ == 0) {
            make_gradient(self, node, i);
        } else if (i == 0 && self->kernel[node->id]->backward_add) {
            plan_touch(self, place->gradient_lifetime);
            run = self->kernel[node->id]->backward_add;
        } else {
            sums[count++] = make_accumulation(self, call, i);
        }
    }
    plan_append(self, PLAN_BACKWARD, run, call);
    self->now++;
    for (int k = 0; k < count; k++) {
        plan_touch(self, sums[k]->temporary);
        plan_touch(self, self->place[node->in[sums[k]->input]->id].gradient_lifetime);
        plan_append(self, PLAN_BACKWARD, accumulate, &sums[k]->call);
        self->now++;
    }
}

void plan_make_backward(struct plan *self)
{
    for (size_t n = self->graph->node_count; n-- > 0;) {
        const struct node *node = self->graph->node[n];
        if (plan_has_backward(self, node) && is_reached(self, node)) backward_node(self, node);
    }
}

/* ---- pointers ---- */

static void bind_gradients(const struct plan *self, struct call *call)
{
    const struct node *node = call->node;
    for (int k = 0; k < node->out_count; k++) call->dout[k] = self->place[node->out[k]->id].gradient;
    for (int i = 0; i < node->in_count; i++)
        if (self->place[node->in[i]->id].wanted) call->din[i] = self->place[node->in[i]->id].gradient;
}

void plan_bind_backward(struct plan *self)
{
    for (int i = 0; i < self->list[PLAN_BACKWARD].count; i++) {
        const struct instruction *item = &self->list[PLAN_BACKWARD].item[i];
        plan_bind_again(self, item->call);
        if (item->run != self->kernel[item->call->node->id]->recompute) bind_gradients(self, item->call);
    }
    for (size_t i = 0; i < self->accumulations; i++) {
        struct accumulation *sum = self->accumulation[i];
        struct tensor gradient = self->place[sum->call.node->in[sum->input]->id].gradient, temporary = gradient;
        temporary.data = self->arena + self->lifetime[sum->temporary].offset;
        sum->writer->din[sum->input] = temporary;
        sum->call = (struct call){.node = sum->call.node, .in = {temporary}, .out = {gradient}};
    }
}
