/* The graph: what a model is, before any device is chosen. A model function calls the builders in engine/ops/ops.h,
 * which add nodes and return values. Errors are sticky: the first one is kept, later builders return NULL for NULL
 * inputs, and graph_status tells at the end; a model function needs no checks. Invariants: nodes are in execution
 * order; each value has one producer; names are torchvision's state_dict names. Thread: one. The graph owns its nodes,
 * values, names and options. */
#pragma once

#include "data/base/err.h"
#include "engine/tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

enum { NODE_IN_MAX = 7, NODE_OUT_MAX = 2, NODE_SAVED_MAX = 4 };

enum value_kind {
    VALUE_INPUT,     /* filled from the batch before each run */
    VALUE_PARAMETER, /* trained; saved */
    VALUE_BUFFER,    /* not trained, saved (running statistics) */
    VALUE_ACTIVATION /* output of a node; dimension 0 is the batch */
};

/* Initial distributions, as torch.nn.init. fan_in and fan_out are those of torch for the value's shape. */
enum init_kind {
    INIT_ZEROS,
    INIT_ONES,
    INIT_CONSTANT,               /* a */
    INIT_NORMAL,                 /* mean 0, standard deviation a */
    INIT_UNIFORM,                /* -a … a */
    INIT_KAIMING_NORMAL_FAN_OUT, /* gain sqrt(2), as torchvision's resnet and efficientnet convolutions */
    INIT_KAIMING_UNIFORM_FAN_IN, /* bound sqrt(6 / ((1 + a^2) fan_in)); a = sqrt(5) is torch's default for conv and
                                    linear */
    INIT_XAVIER_UNIFORM,         /* bound sqrt(6 / (fan_in + fan_out)) */
    INIT_FAN_IN_UNIFORM          /* ±1/sqrt(a): torch's default bias, a = the layer's fan_in */
};

struct init {
    enum init_kind kind;
    double a;
};

struct value {
    int id; /* index in graph->value */
    enum value_kind kind;
    enum dtype dtype;      /* DTYPE_REAL or DTYPE_STATISTIC for everything floating */
    struct shape shape;    /* internal layout; see tensor.h */
    const char *name;      /* state_dict name of parameters and buffers; input name; NULL for activations */
    struct node *producer; /* NULL unless VALUE_ACTIVATION */
    struct init init;      /* parameters and buffers */
    int unit;              /* parameters: block or stage they belong to (flat memory is per unit) */
    bool frozen;           /* parameters: no gradient, no update */
    int64_t groups;        /* convolution weights: groups, for fan computations; else 1 */
};

struct node {
    int id; /* index in graph->node */
    const struct op *op;
    const char *name; /* the layer, as torch's module path ("features.1.0.block.0"), for messages and profiles */
    int in_count, out_count, saved_count;
    struct value *in[NODE_IN_MAX];
    struct value *out[NODE_OUT_MAX];
    struct value *saved[NODE_SAVED_MAX]; /* made by forward for backward only */
    void *options;                       /* the op's own struct, copied by graph_node */
};

struct graph {
    struct value **value;
    size_t value_count, value_capacity;
    struct node **node;
    size_t node_count, node_capacity;
    int unit; /* current unit; see graph_unit */
    int unit_count;
    int64_t batch; /* capacity of dimension 0 */
    enum lt_err status;
    char *message; /* of the first failure */
};

struct graph *graph_new(int64_t batch);
void graph_free(struct graph *self);
void graph_free_node(struct node *node); /* for passes that take nodes out */

/* LT_OK, or the first error met while building, with its message restored. */
enum lt_err graph_status(const struct graph *self) LT_MUST_CHECK;

/* From here on parameters belong to a new unit (a block or stage). */
void graph_unit(struct graph *self);

/* Inputs. `shape` includes the batch as dimension 0. */
struct value *graph_input(struct graph *self, const char *name, enum dtype dtype, struct shape shape);

/* A parameter or buffer, named "LAYER.SUFFIX", or "SUFFIX" where the layer is "". */
struct value *graph_parameter(struct graph *self, const char *layer, const char *suffix, struct shape shape,
                              struct init init);
struct value *graph_buffer(struct graph *self, const char *layer, const char *suffix, enum dtype dtype,
                           struct shape shape, struct init init);

/* For op builders: adds a node of `op`. Options are copied (`bytes` of them). Runs the op's shape rule, which makes
 * out[] and saved[] by graph_output and graph_saved. Returns the node, or NULL after any error (also when an input is
 * NULL). */
struct node *graph_node(struct graph *self, const struct op *op, const char *name, const void *options, size_t bytes,
                        struct value *const *in, int in_count);

/* For shape rules: adds the next output, or the next saved value. */
struct value *graph_output(struct graph *self, struct node *node, enum dtype dtype, struct shape shape);
struct value *graph_saved(struct graph *self, struct node *node, enum dtype dtype, struct shape shape);

/* Records the first error (sticky) with the layer's name in front; returns `code`. */
enum lt_err graph_fail(struct graph *self, const char *layer, enum lt_err code, const char *format, ...)
    LT_PRINTF(4, 5);

/* Finds a parameter or buffer by name; NULL when there is none. */
struct value *graph_find(const struct graph *self, const char *name);

/* Freezes parameters whose name matches one of the fnmatch patterns; returns how many each pattern matched in
 * matched[]. A batch norm whose weight and bias are both frozen runs on its running statistics. */
void graph_freeze(struct graph *self, char *const *pattern, size_t count, int64_t *matched);

/* How many elements the parameters have that a node is the first to read. */
int64_t graph_parameters_of(const struct graph *self, const struct node *node);
