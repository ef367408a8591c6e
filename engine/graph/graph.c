#include "engine/graph/graph.h"

#include "data/base/memory.h"
#include "data/base/text.h"
#include "engine/ops/op.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct graph *graph_new(int64_t batch)
{
    struct graph *self = memory_new(1, sizeof *self);
    self->batch = batch;
    self->unit_count = 1;
    return self;
}

void graph_free_node(struct node *node)
{
    if (node->op->release) node->op->release(node->options);
    free(node->options);
    free((char *)node->name);
    free(node);
}

void graph_free(struct graph *self)
{
    if (!self) return;
    for (size_t i = 0; i < self->node_count; i++) graph_free_node(self->node[i]);
    for (size_t i = 0; i < self->value_count; i++) {
        free((char *)self->value[i]->name);
        free(self->value[i]);
    }
    free(self->node), free(self->value), free(self->message);
    free(self);
}

enum lt_err graph_status(const struct graph *self)
{
    return self->status == LT_OK ? LT_OK : lt_fail(self->status, "%s", self->message);
}

void graph_unit(struct graph *self)
{
    self->unit = self->unit_count++;
}

enum lt_err graph_fail(struct graph *self, const char *layer, enum lt_err code, const char *format, ...)
{
    if (self->status != LT_OK) return code;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct text message = {0};
    text_add(&message, "layer %s: %s", layer, text);
    self->status = code;
    self->message = text_detach(&message);
    return code;
}

static struct value *add_value(struct graph *self, enum value_kind kind, enum dtype dtype, struct shape shape)
{
    struct value *value = memory_new(1, sizeof *value);
    *value = (struct value){
        .id = (int)self->value_count, .kind = kind, .dtype = dtype, .shape = shape, .unit = self->unit, .groups = 1};
    self->value = memory_grow(self->value, self->value_count, &self->value_capacity, sizeof *self->value);
    self->value[self->value_count++] = value;
    return value;
}

struct value *graph_input(struct graph *self, const char *name, enum dtype dtype, struct shape shape)
{
    struct value *value = add_value(self, VALUE_INPUT, dtype, shape);
    value->name = memory_text(name);
    return value;
}

static struct value *add_named(struct graph *self, struct value *value, const char *layer, const char *suffix)
{
    struct text name = {0};
    text_add(&name, "%s%s%s", layer, *layer ? "." : "", suffix);
    if (graph_find(self, text_get(&name)))
        (void)graph_fail(self, layer, LT_EUNSUPPORTED, "the name %s is used twice", text_get(&name));
    value->name = text_detach(&name);
    return value;
}

struct value *graph_parameter(struct graph *self, const char *layer, const char *suffix, struct shape shape,
                              struct init init)
{
    struct value *value = add_value(self, VALUE_PARAMETER, DTYPE_REAL, shape);
    value->init = init;
    return add_named(self, value, layer, suffix);
}

struct value *graph_buffer(struct graph *self, const char *layer, const char *suffix, enum dtype dtype,
                           struct shape shape, struct init init)
{
    struct value *value = add_value(self, VALUE_BUFFER, dtype, shape);
    value->init = init;
    return add_named(self, value, layer, suffix);
}

struct node *graph_node(struct graph *self, const struct op *op, const char *name, const void *options, size_t bytes,
                        struct value *const *in, int in_count)
{
    if (self->status != LT_OK) return NULL;
    lt_assert(in_count <= NODE_IN_MAX);
    for (int i = 0; i < in_count; i++)
        if (!in[i]) return NULL;
    struct node *node = memory_new(1, sizeof *node);
    node->id = (int)self->node_count;
    node->op = op;
    node->name = memory_text(name);
    node->in_count = in_count;
    memcpy(node->in, in, (size_t)in_count * sizeof *in);
    node->options = memory_new(1, bytes);
    if (bytes) memcpy(node->options, options, bytes);
    self->node = memory_grow(self->node, self->node_count, &self->node_capacity, sizeof *self->node);
    self->node[self->node_count++] = node;
    const enum lt_err err = op->infer(self, node);
    if (err != LT_OK) (void)graph_fail(self, name, err, "%s does not fit here", op->name);
    return self->status == LT_OK ? node : NULL;
}

struct value *graph_output(struct graph *self, struct node *node, enum dtype dtype, struct shape shape)
{
    lt_assert(node->out_count < NODE_OUT_MAX);
    struct value *value = add_value(self, VALUE_ACTIVATION, dtype, shape);
    value->producer = node;
    return node->out[node->out_count++] = value;
}

struct value *graph_saved(struct graph *self, struct node *node, enum dtype dtype, struct shape shape)
{
    lt_assert(node->saved_count < NODE_SAVED_MAX);
    struct value *value = add_value(self, VALUE_ACTIVATION, dtype, shape);
    value->producer = node;
    return node->saved[node->saved_count++] = value;
}

struct value *graph_find(const struct graph *self, const char *name)
{
    for (size_t i = 0; i < self->value_count; i++)
        if (self->value[i]->name && strcmp(self->value[i]->name, name) == 0) return self->value[i];
    return NULL;
}

void graph_freeze(struct graph *self, char *const *pattern, size_t count, int64_t *matched)
{
    memset(matched, 0, count * sizeof *matched);
    for (size_t i = 0; i < self->value_count; i++) {
        struct value *value = self->value[i];
        for (size_t k = 0; value->kind == VALUE_PARAMETER && k < count; k++) {
            if (fnmatch(pattern[k], value->name, 0) != 0) continue;
            value->frozen = true;
            matched[k]++;
        }
    }
}

int64_t graph_parameters_of(const struct graph *self, const struct node *node)
{
    int64_t count = 0;
    for (int i = 0; i < node->in_count; i++) {
        const struct value *value = node->in[i];
        bool first = value->kind == VALUE_PARAMETER;
        for (int n = 0; first && n < node->id; n++)
            for (int k = 0; k < self->node[n]->in_count; k++) first = first && self->node[n]->in[k] != value;
        if (first) count += shape_count(value->shape);
    }
    return count;
}
