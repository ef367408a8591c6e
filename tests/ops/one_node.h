/* One node on one device, without a plan: memory for its call, filled by the formulas of its case, and its three
 * kernels. What a kernel must overwrite, and rows of samples that are not there, hold NaN (0x7f in integers): whoever
 * reads them is caught. Thread: one. */
#pragma once

#include "engine/backends/backend.h"
#include "tests/ops/cases.h"

struct one_node_options {
    const struct backend *backend;
    int threads; /* 0 means 1 */
    enum dtype real;
    bool bf16;                                /* activations are bfloat16 */
    bool rounded;                             /* inputs are numbers that bfloat16 has */
    int64_t n;                                /* samples; 0 means all of the case */
    bool in_place_forward, in_place_backward; /* out[0] over in[0]; din[0] over dout[0] */
    bool hide;         /* NaN before backward in everything that the op does not say its backward reads */
    const char *layer; /* NULL: "layer"; and what else keys random masks */
    uint64_t seed;
    uint32_t epoch;
    const int64_t *sample; /* NULL: 100, 107, 114 … */
};

struct one_node {
    const struct op_case *op_case;
    struct one_node_options options;
    struct device *device;
    struct graph *graph;
    struct node *node;
    const struct kernel *kernel;
    struct call call;
    struct step step;
};

/* False when the backend has no kernel for the op (then nothing is held). */
bool one_node_open(struct one_node *self, const struct op_case *op_case, struct one_node_options options);
void one_node_close(struct one_node *self);

/* Sets all memory to its start. */
void one_node_fill(struct one_node *self);

void one_node_forward(struct one_node *self);
void one_node_backward(struct one_node *self);
void one_node_evaluate(struct one_node *self);

/* Is the gradient of in[i] asked for? Of all real inputs and trained parameters. */
bool one_node_wants(const struct one_node *self, int i);

/* What came out: outputs, gradients asked for, buffers. Names are out0, din0, in3 …; "evaluate0" for out0 of an
 * evaluation. */
enum { RESULTS_MAX = 2 * NODE_IN_MAX + NODE_OUT_MAX };
struct result {
    char name[16];
    enum dtype dtype;
    int64_t count; /* elements of the samples that are there; all of a parameter or buffer */
    double *value; /* [count], owned, in torch's layout */
};
struct results {
    struct result item[RESULTS_MAX];
    int count;
};

/* Runs forward, then backward where there is one. Release with results_release. */
struct results one_node_results(struct one_node *self);

/* The same after one_node_fill; or fill and evaluate. */
struct results one_node_train(struct one_node *self);
struct results one_node_evaluation(struct one_node *self);
void results_release(struct results *self);

/* A cmocka failure when the two are not the same bits. */
void results_equal(const struct results *a, const struct results *b, const char *what);

/* Norm of the difference over the norm of `expected`; 0 when both are zero. */
double result_error(const struct result *got, const struct result *expected);
