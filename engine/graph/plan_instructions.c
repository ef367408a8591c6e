/* Forward: one instruction per node, in the graph's order. Training and evaluation share the calls, and so the memory.
 */
#include "data/base/memory.h"
#include "engine/graph/plan_internal.h"

/* ---- kit ---- */

int plan_add_lifetime(struct plan *self, size_t bytes)
{
    self->lifetime = memory_grow(self->lifetime, self->lifetimes, &self->lifetime_capacity, sizeof *self->lifetime);
    self->lifetime[self->lifetimes] = (struct lifetime){
        .bytes = bytes, .first = self->now, .last = self->now, .same_as = -1};
    return (int)self->lifetimes++;
}

void plan_touch(struct plan *self, int lifetime)
{
    if (lifetime >= 0) self->lifetime[lifetime].last = self->now;
}

void plan_own_call(struct plan *self, struct call *call)
{
    self->call = memory_grow(self->call, self->calls, &self->call_capacity, sizeof *self->call);
    self->call[self->calls++] = call;
}

void plan_append(struct plan *self, enum plan_list which, kernel_function *run, struct call *call)
{
    struct instructions *list = &self->list[which];
    list->item = memory_grow(list->item, (size_t)list->count, &list->capacity, sizeof *list->item);
    list->item[list->count++] = (struct instruction){.run = run, .call = call};
}

/* ---- kernels ---- */

static enum lt_err find_kernels(struct plan *self)
{
    const struct backend *backend = self->options.backend;
    const int threads = backend->threads(self->options.device);
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        const struct kernel *kernel = backend->kernel(self->options.device, op_id(node->op), self->options.bf16);
        if (kernel == NULL || kernel->forward == NULL)
            return lt_fail(LT_EUNSUPPORTED,
                           "layer %s: the %s backend has no kernel for the op %s; choose another trainer.backend",
                           node->name, backend->name, node->op->name);
        const size_t bytes = kernel->workspace ? kernel->workspace(node, threads) : 0;
        if (bytes > self->workspace_bytes) self->workspace_bytes = bytes;
        self->kernel[n] = kernel;
    }
    return LT_OK;
}

/* ---- forward ---- */

bool plan_is_output(const struct plan *self, const struct value *value)
{
    for (int i = 0; i < self->outputs.count; i++)
        if (self->outputs.output[i] == value) return true;
    return false;
}

/* Is `value` still read after the forward instruction of `node`? By a later node, by a backward instruction for which
 * it is not made again, or by the user. */
static bool needed_after(const struct plan *self, const struct value *value, const struct node *node)
{
    if (plan_is_output(self, value)) return true;
    const struct node *producer = value->producer;
    const bool stored = !self->place[value->id].recomputed;
    if (stored && plan_has_backward(self, producer) && (producer->op->backward_reads & OP_READS_OUT)) return true;
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *reader = self->graph->node[n];
        for (int i = 0; i < reader->in_count; i++) {
            if (reader->in[i] != value) continue;
            if (reader->id > node->id) return true;
            if (stored && plan_has_backward(self, reader) &&
                (reader->op->backward_reads & ((unsigned)OP_READS_IN0 << i)))
                return true;
        }
    }
    return false;
}

static bool may_be_in_place(const struct plan *self, const struct node *node)
{
    const struct value *in = node->in[0], *out = node->out[0];
    return node->op->in_place_forward && in->kind == VALUE_ACTIVATION && in->dtype == out->dtype &&
           shape_equal(in->shape, out->shape) && !needed_after(self, in, node);
}

static void make_output(struct plan *self, const struct value *value, int same_as)
{
    struct place *place = &self->place[value->id];
    place->lifetime = plan_add_lifetime(self, plan_bytes(self, value));
    self->lifetime[place->lifetime].same_as = same_as;
}

static void forward_node(struct plan *self, const struct node *node)
{
    const int over = may_be_in_place(self, node) ? self->place[node->in[0]->id].lifetime : -1;
    for (int i = 0; i < node->in_count; i++) plan_touch(self, self->place[node->in[i]->id].lifetime);
    for (int k = 0; k < node->out_count; k++) make_output(self, node->out[k], k == 0 ? over : -1);
    for (int k = 0; k < node->saved_count; k++) make_output(self, node->saved[k], -1);
    const struct kernel *kernel = self->kernel[node->id];
    struct call *call = memory_new(1, sizeof *call);
    call->node = node;
    plan_own_call(self, call);
    if (self->options.training) plan_append(self, PLAN_FORWARD, kernel->forward, call);
    plan_append(self, PLAN_EVALUATE, kernel->evaluate ? kernel->evaluate : kernel->forward, call);
    self->now++;
}

enum lt_err plan_make_forward(struct plan *self)
{
    self->kernel = memory_new(self->graph->node_count + 1, sizeof *self->kernel);
    LT_TRY(find_kernels(self));
    LT_TRY(plan_mark_wanted(self));
    plan_mark_recomputed(self);
    for (size_t n = 0; n < self->graph->node_count; n++) forward_node(self, self->graph->node[n]);
    return LT_OK;
}

/* ---- pointers ---- */

static void bind_call(const struct plan *self, struct call *call)
{
    const struct node *node = call->node;
    for (int i = 0; i < node->in_count; i++) call->in[i] = self->place[node->in[i]->id].tensor;
    for (int k = 0; k < node->out_count; k++) call->out[k] = self->place[node->out[k]->id].tensor;
    for (int k = 0; k < node->saved_count; k++) call->saved[k] = self->place[node->saved[k]->id].tensor;
    call->workspace = self->workspace;
    call->constant.data = self->constant[node->id];
}

static int64_t bytes_of(const struct tensor *tensor, int count)
{
    int64_t bytes = 0;
    for (int i = 0; i < count; i++)
        if (tensor[i].data) bytes += shape_count(tensor[i].shape) * (int64_t)dtype_bytes(tensor[i].dtype);
    return bytes;
}

/* Backward reads of the forward tensors only what its op says. */
static int64_t backward_bytes(const struct call *call)
{
    const unsigned reads = call->node->op->backward_reads;
    int64_t bytes = bytes_of(call->din, NODE_IN_MAX) + bytes_of(call->dout, NODE_OUT_MAX) +
                    bytes_of(call->saved, NODE_SAVED_MAX);
    for (int i = 0; i < call->node->in_count; i++)
        if (reads & ((unsigned)OP_READS_IN0 << i)) bytes += bytes_of(&call->in[i], 1);
    return reads & OP_READS_OUT ? bytes + bytes_of(call->out, NODE_OUT_MAX) : bytes;
}

/* Each gradient with respect to an operand costs as many multiply-adds as forward does, unless the kernel knows better;
 * a bias costs none. */
static int64_t macs_of(const struct kernel *kernel, const struct node *node, enum kernel_work work)
{
    if (kernel->macs) return kernel->macs(node, work);
    return node->op->macs ? node->op->macs(node) : 0;
}

static int64_t backward_macs(const struct kernel *kernel, const struct call *call)
{
    return (call->din[0].data ? macs_of(kernel, call->node, WORK_GRADIENT_0) : 0) +
           (call->din[1].data ? macs_of(kernel, call->node, WORK_GRADIENT_1) : 0);
}

void plan_bind(struct plan *self)
{
    for (size_t i = 0; i < self->calls; i++) bind_call(self, self->call[i]);
    plan_bind_backward(self);
    for (int list = 0; list < PLAN_LISTS; list++) {
        for (int i = 0; i < self->list[list].count; i++) {
            struct instruction *item = &self->list[list].item[i];
            const struct call *call = item->call;
            const struct kernel *kernel = self->kernel[call->node->id];
            const bool backward = list == PLAN_BACKWARD;
            item->bytes = bytes_of(call->in, NODE_IN_MAX) + bytes_of(call->out, NODE_OUT_MAX) +
                          bytes_of(call->saved, NODE_SAVED_MAX);
            if (backward && item->run != kernel->recompute) item->bytes = backward_bytes(call);
            item->macs = backward ? backward_macs(kernel, call) : macs_of(kernel, call->node, WORK_FORWARD);
        }
    }
}
