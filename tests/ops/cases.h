/* Every op in several shapes and options: the rows that all tests of this folder run over. Inputs are given by formula,
 * so that tests/golden/ops.py has the same ones: element i (in torch's layout) of in[k] of the case NAME is low + (high
 * - low) u, u = formula_u(formula_hash("NAME.inK"), i); values within 0.05 of a kink are moved up by 0.1. The gradient
 * of out[0] is "NAME.dout0" in -1 … 1. Thread: any. */
#pragma once

#include "engine/ops/op.h"
#include "engine/ops/ops.h"

struct op_case {
    const char *name; /* of its record in tests/golden/expected/ops.txt */
    enum op_id op;
    struct shape x; /* in[0] */
    struct shape b; /* in[1] of add and mul */
    struct conv2d_options conv;
    struct linear_options linear;
    struct batch_norm_options norm;
    enum op_id behind; /* batch_norm: the activation fused behind it; OP_normalize (0) means none */
    struct pool_options pool;
    int64_t out[2];   /* of adaptive_avg_pool2d; heads of attention */
    double p;         /* dropout, stochastic_depth; label smoothing of cross_entropy */
    double low, high; /* range of in[0]; both 0 mean -1 … 1 */
    double kink[2];   /* where in[0] must not be, when kinks > 0 */
    int kinks;
    bool frozen; /* the parameters are */
    bool padded; /* cross_entropy: row 1 is padding */
    bool large;  /* for comparing backends only: no finite differences, no record */
};

extern const struct op_case op_cases[];
extern const int op_case_count;

/* Builds the graph of one node: inputs "in0", "in1" and the layer; returns the node, NULL after an error. */
struct node *op_case_build(struct graph *g, const struct op_case *self, const char *layer);

/* The value of element `i` (torch's layout) of an input. */
double op_case_input(const struct op_case *self, const struct value *input, int k, int64_t i);
double op_case_dout(const struct op_case *self, int64_t i);

/* Where element i of the internal layout (NHWC, OHWI) lies in torch's (NCHW, OIHW); rank 4 only, others are alike. */
int64_t torch_index(struct shape shape, int64_t i);
