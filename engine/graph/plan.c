/* Compiles a graph into a plan, and lets one look inside. The steps and their files are listed in plan_internal.h. */
#include "data/base/memory.h"
#include "data/base/span.h"
#include "engine/graph/fuse.h"
#include "engine/graph/plan_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum dtype plan_dtype(const struct plan *self, const struct value *value)
{
    if (value->dtype == DTYPE_STATISTIC) return self->options.real;
    if (value->dtype != DTYPE_REAL) return value->dtype;
    const bool narrow = value->kind == VALUE_ACTIVATION || value->kind == VALUE_INPUT;
    return self->options.bf16 && narrow ? DTYPE_BF16 : self->options.real;
}

size_t plan_bytes(const struct plan *self, const struct value *value)
{
    return (size_t)shape_count(value->shape) * dtype_bytes(plan_dtype(self, value));
}

/* What the device cannot do at all is said before anything is made. */
static enum lt_err check(const struct graph *graph, const struct plan_outputs *outputs,
                         const struct plan_options *options)
{
    const struct backend *backend = options->backend;
    LT_TRY(graph_status(graph));
    if (options->real == DTYPE_F64 && !backend->has_f64)
        return lt_fail(LT_EUNSUPPORTED, "the %s backend has no double precision", backend->name);
    if (options->bf16 && (options->real != DTYPE_F32 || !backend->has_bf16))
        return lt_fail(LT_EUNSUPPORTED, "the %s backend has no bfloat16; use trainer.precision: 32", backend->name);
    if (!options->training) return LT_OK;
    lt_assert(outputs->loss && outputs->loss->producer);
    if (backend->update(options->device, options->optimizer) == NULL)
        return lt_fail(LT_EUNSUPPORTED, "the %s backend cannot run the optimizer %s; choose another trainer.backend",
                       backend->name, optimizer_at(options->optimizer)->name);
    return LT_OK;
}

static void make_places(struct plan *self)
{
    self->place = memory_new(self->graph->value_count + 1, sizeof *self->place);
    for (size_t i = 0; i < self->graph->value_count; i++) {
        const struct value *value = self->graph->value[i];
        const struct tensor tensor = {.dtype = plan_dtype(self, value), .shape = value->shape};
        self->place[i] = (struct place){.tensor = tensor,
                                        .gradient = tensor,
                                        .again = tensor,
                                        .lifetime = -1,
                                        .gradient_lifetime = -1,
                                        .again_lifetime = -1};
    }
}

/* The passes, in order. Outputs are kept to the end: the user reads them after the run. */
static enum lt_err compile(struct plan *self)
{
    LT_TRY(check(self->graph, &self->outputs, &self->options));
    if (self->options.backend->fuses) graph_fuse(self->graph, self->outputs.output, self->outputs.count);
    self->flat = self->options.backend->flat(self->options.device);
    make_places(self);
    plan_lay_out_parameters(self);
    LT_TRY(plan_make_forward(self));
    if (self->options.training) plan_make_backward(self);
    for (int i = 0; i < self->outputs.count; i++) plan_touch(self, self->place[self->outputs.output[i]->id].lifetime);
    LT_TRY(plan_allocate(self));
    plan_bind(self);
    return LT_OK;
}

enum lt_err plan_build(struct plan **out, struct graph *graph, struct plan_outputs outputs,
                       const struct plan_options *options)
{
    struct plan *self = memory_new(1, sizeof *self);
    self->graph = graph;
    self->outputs = outputs;
    self->options = *options;
    const enum lt_err err = compile(self);
    if (err == LT_OK)
        *out = self;
    else
        plan_free(self);
    return err;
}

void plan_free(struct plan *self)
{
    if (self == NULL) return;
    plan_release_memory(self);
    for (size_t i = 0; i < self->calls; i++) free(self->call[i]);
    for (int i = 0; i < PLAN_LISTS; i++) free(self->list[i].item);
    graph_free(self->graph);
    free(self->call), free(self->accumulation), free(self->lifetime), free(self->place), free(self->kernel);
    free(self->parameter), free(self->offset), free(self->segment), free(self->norm_index);
    free(self);
}

struct plan_summary plan_summarise(const struct plan *self)
{
    const size_t flat = (size_t)self->flat_count * dtype_bytes(self->options.real);
    struct plan_summary summary = {.arena_bytes = self->arena_bytes,
                                   .parameter_bytes = flat,
                                   .other_bytes = self->input_bytes + self->workspace_bytes + self->buffer_bytes};
    for (int i = 0; i < self->tensors; i++)
        if (self->parameter[i]->kind == VALUE_PARAMETER) summary.parameters += shape_count(self->parameter[i]->shape);
    for (int64_t i = 0; i < self->segments; i++) summary.trainable += self->segment[i].count;
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        if (node->op->macs) summary.macs_forward += node->op->macs(node) / self->graph->batch;
    }
    for (int i = 0; i < PLAN_LISTS; i++) summary.instructions += self->list[i].count;
    if (self->options.training) {
        if (self->options.watch) summary.other_bytes += flat;
        summary.gradient_bytes = flat * (self->options.accumulate ? 2 : 1);
        summary.state_bytes = flat * (size_t)optimizer_at(self->options.optimizer)->states;
    }
    return summary;
}

/* What an instruction is for, where it is not the layer's own work. */
static const char *purpose(const struct kernel *kernel, const struct instruction *item)
{
    if (item->run == kernel->recompute) return " (again)";
    const bool own = item->run == kernel->forward || item->run == kernel->evaluate || item->run == kernel->backward ||
                     item->run == kernel->backward_add;
    return own ? "" : " (add)"; /* two gradients of one value */
}

/* Instructions of one layer share its id. */
void plan_record_spans(struct plan *self)
{
    int *layer = memory_new(self->graph->node_count + 1, sizeof *layer);
    for (size_t n = 0; n < self->graph->node_count; n++) layer[n] = span_new(self->graph->node[n]->name, NULL);
    for (int list = 0; list < PLAN_LISTS; list++) {
        for (int i = 0; i < self->list[list].count; i++) {
            struct instruction *item = &self->list[list].item[i];
            const struct node *node = item->call->node;
            char name[64];
            snprintf(name, sizeof name, "%s%s", node->op->name, purpose(self->kernel[node->id], item));
            item->span = span_new(name, &(struct span_kernel){.layer = layer[node->id],
                                                              .flops = 2 * (double)item->macs,
                                                              .bytes = (double)item->bytes});
        }
    }
    free(layer);
}

const struct instruction *plan_instructions(const struct plan *self, enum plan_list list, int *count)
{
    *count = self->list[list].count;
    return self->list[list].item;
}

const struct graph *plan_graph(const struct plan *self)
{
    return self->graph;
}

const struct optimizer *plan_optimizer(const struct plan *self)
{
    return self->options.training ? optimizer_at(self->options.optimizer) : NULL;
}
