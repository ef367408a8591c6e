/* Memory of a plan: activations, gradients and temporaries share one arena by lifetime; everything else has its own. */
#include "data/base/memory.h"
#include "engine/graph/plan_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_ALIGN = 256 };

static size_t align_up(size_t bytes)
{
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

/* ---- placement ---- */

/* Large ones first leave the fewest holes; ties by age, so that the order is total. */
static int by_size(const void *a, const void *b)
{
    const struct lifetime *const *x = a, *const *y = b;
    if ((*x)->bytes != (*y)->bytes) return (*x)->bytes < (*y)->bytes ? 1 : -1;
    return *x < *y ? -1 : *x > *y;
}

static int by_offset(const void *a, const void *b)
{
    const struct lifetime *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* The lowest gap among the placed lifetimes that are alive at the same time. `beside` is room for `count`. */
static size_t find_gap(const struct lifetime *want, struct lifetime **placed, size_t count, struct lifetime **beside)
{
    size_t n = 0, offset = 0;
    for (size_t i = 0; i < count; i++)
        if (placed[i]->first <= want->last && want->first <= placed[i]->last) beside[n++] = placed[i];
    qsort(beside, n, sizeof *beside, by_offset);
    for (size_t i = 0; i < n && offset + want->bytes > beside[i]->offset; i++) {
        const size_t end = align_up(beside[i]->offset + beside[i]->bytes);
        if (end > offset) offset = end;
    }
    return offset;
}

size_t plan_place(struct lifetime *lifetime, size_t count)
{
    struct lifetime **order = memory_new(count + 1, sizeof *order), **beside = memory_new(count + 1, sizeof *beside);
    size_t roots = 0, total = 0;
    for (size_t i = count; i-- > 0;) { /* memory taken over lives, and is as large, as its last user needs */
        if (lifetime[i].same_as < 0) continue;
        struct lifetime *root = &lifetime[lifetime[i].same_as];
        if (root->last < lifetime[i].last) root->last = lifetime[i].last;
        if (root->bytes < lifetime[i].bytes) root->bytes = lifetime[i].bytes;
    }
    for (size_t i = 0; i < count; i++)
        if (lifetime[i].same_as < 0) order[roots++] = &lifetime[i];
    qsort(order, roots, sizeof *order, by_size);
    for (size_t i = 0; i < roots; i++) {
        order[i]->offset = find_gap(order[i], order, i, beside);
        const size_t end = align_up(order[i]->offset + order[i]->bytes);
        if (end > total) total = end;
    }
    for (size_t i = 0; i < count; i++) /* whoever takes over comes after whom it takes over */
        if (lifetime[i].same_as >= 0) lifetime[i].offset = lifetime[lifetime[i].same_as].offset;
    free(order);
    free(beside);
    return total;
}

/* Memory that is taken over counts once: its first owner's lifetime covers all. */
void plan_live_bytes(const struct plan *self, int64_t *live)
{
    const int count = self->list[PLAN_FORWARD].count + self->list[PLAN_BACKWARD].count;
    for (int i = 0; i < count; i++) live[i] = 0;
    for (size_t k = 0; k < self->lifetimes; k++) {
        const struct lifetime *lifetime = &self->lifetime[k];
        if (lifetime->same_as >= 0) continue;
        for (int i = lifetime->first; i <= lifetime->last && i < count; i++) live[i] += (int64_t)lifetime->bytes;
    }
}

/* ---- taking ---- */

/* Addresses that nothing else has, and that nobody may touch: enough for a dry plan. */
static void *reserve(struct plan *self, size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return NULL;
    self->reserved = memory_grow(self->reserved, self->reserves, &self->reserve_capacity, sizeof *self->reserved);
    self->reserved[self->reserves++] = (struct reserved){at, bytes};
    return at;
}

static enum lt_err take(struct plan *self, void *to, size_t bytes, const char *what)
{
    if (bytes == 0) bytes = 1;
    void *memory = self->options.dry ? reserve(self, bytes)
                                     : self->options.backend->allocate(self->options.device, bytes);
    if (memory == NULL)
        return lt_fail(LT_ENOMEM, "%.0f MB for %s do not fit in memory; lower data.batch_size", (double)bytes * 1e-6,
                       what);
    memcpy(to, &memory, sizeof memory);
    return LT_OK;
}

static enum lt_err take_flat(struct plan *self)
{
    const size_t bytes = (size_t)self->flat_count * dtype_bytes(self->options.real);
    LT_TRY(take(self, &self->parameters, bytes, "parameters"));
    LT_TRY(take(self, &self->buffers, self->buffer_bytes, "buffers"));
    if (!self->options.training) return LT_OK;
    LT_TRY(take(self, &self->gradients, bytes, "gradients"));
    if (self->options.watch) LT_TRY(take(self, &self->before, bytes, "parameters as they were"));
    if (self->options.accumulate) LT_TRY(take(self, &self->accumulated, bytes, "accumulated gradients"));
    for (int i = 0; i < optimizer_at(self->options.optimizer)->states; i++)
        LT_TRY(take(self, &self->state[i], bytes, "optimizer states"));
    return LT_OK;
}

static enum lt_err take_scalars(struct plan *self)
{
    LT_TRY(take(self, &self->loss_weight, sizeof(double), "scalars"));
    LT_TRY(take(self, &self->clip_factor, sizeof(double), "scalars"));
    LT_TRY(take(self, &self->square_sums, (size_t)(self->segments + 1) * sizeof(double), "norms"));
    double **const watched[] = {&self->zeros, &self->nonfinite, &self->change, &self->size};
    for (int i = 0; self->options.watch && i < 4; i++)
        LT_TRY(take(self, watched[i], (size_t)self->segments * sizeof(double), "norms"));
    LT_TRY(take(self, &self->group, OPTIMIZER_GROUPS_MAX * sizeof *self->group, "scalars"));
    LT_TRY(take(self, &self->update, sizeof(int64_t), "scalars"));
    return take(self, &self->sample, (size_t)self->graph->batch * sizeof(int64_t), "sample numbers");
}

static enum lt_err take_constants(struct plan *self)
{
    self->constant = memory_new(self->graph->node_count + 1, sizeof *self->constant);
    for (size_t n = 0; n < self->graph->node_count; n++) {
        const struct node *node = self->graph->node[n];
        if (node->op->constant == NULL) continue;
        size_t bytes;
        const void *data = node->op->constant(node, &bytes);
        LT_TRY(take(self, &self->constant[n], bytes, "constants"));
        if (!self->options.dry) self->options.backend->copy_in(self->options.device, self->constant[n], data, bytes);
    }
    return LT_OK;
}

/* ---- pointing ---- */

static size_t input_bytes(const struct plan *self)
{
    size_t bytes = 0;
    for (size_t i = 0; i < self->graph->value_count; i++)
        if (self->graph->value[i]->kind == VALUE_INPUT) bytes += align_up(plan_bytes(self, self->graph->value[i]));
    return bytes;
}

static void point_values(struct plan *self)
{
    size_t input_at = 0;
    for (size_t i = 0; i < self->graph->value_count; i++) {
        struct place *place = &self->place[i];
        if (place->lifetime >= 0) place->tensor.data = self->arena + self->lifetime[place->lifetime].offset;
        if (place->again_lifetime >= 0) place->again.data = self->arena + self->lifetime[place->again_lifetime].offset;
        if (place->gradient_lifetime >= 0)
            place->gradient.data = self->arena + self->lifetime[place->gradient_lifetime].offset;
        if (self->graph->value[i]->kind != VALUE_INPUT) continue;
        place->tensor.data = self->inputs + input_at;
        input_at += align_up(plan_bytes(self, self->graph->value[i]));
    }
}

static void point_parameters(struct plan *self)
{
    const size_t width = dtype_bytes(self->options.real);
    for (int i = 0; i < self->tensors; i++) {
        struct place *place = &self->place[self->parameter[i]->id];
        const size_t at = (size_t)self->offset[i];
        const bool is_buffer = self->parameter[i]->kind == VALUE_BUFFER;
        place->tensor.data = is_buffer ? self->buffers + at : self->parameters + at * width;
        if (self->norm_index[i] >= 0) place->gradient.data = self->gradients + at * width;
    }
}

enum lt_err plan_allocate(struct plan *self)
{
    self->input_bytes = input_bytes(self);
    self->arena_bytes = plan_place(self->lifetime, self->lifetimes);
    LT_TRY(take(self, &self->arena, self->arena_bytes, "activations"));
    LT_TRY(take(self, &self->inputs, self->input_bytes, "inputs"));
    LT_TRY(take(self, &self->workspace, self->workspace_bytes, "workspace"));
    LT_TRY(take_flat(self));
    LT_TRY(take_scalars(self));
    LT_TRY(take_constants(self));
    point_values(self);
    point_parameters(self);
    return LT_OK;
}

static void release_reserved(struct plan *self)
{
    for (size_t i = 0; i < self->reserves; i++) munmap(self->reserved[i].at, self->reserved[i].bytes);
    free(self->reserved);
    free(self->constant);
}

void plan_release_memory(struct plan *self)
{
    if (self->options.dry) {
        release_reserved(self);
        return;
    }
    void *const memory[] = {self->arena,       self->inputs,      self->workspace,   self->buffers,   self->parameters,
                            self->gradients,   self->accumulated, self->state[0],    self->state[1],  self->state[2],
                            self->loss_weight, self->square_sums, self->clip_factor, self->group,     self->update,
                            self->sample,      self->before,      self->zeros,       self->nonfinite, self->change,
                            self->size};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i]) self->options.backend->release(self->options.device, memory[i]);
    for (size_t n = 0; self->constant && n < self->graph->node_count; n++)
        if (self->constant[n]) self->options.backend->release(self->options.device, self->constant[n]);
    free(self->constant);
}
