/* An op: its shape rule, what its gradient reads, how much work it is; and its kernels, one struct kernel per backend.
 * Implementers' door; users of ops include engine/ops/ops.h (builders).
 * A kernel never allocates, never fails (shapes were checked when the graph was built) and gives the same bits for any
 * number of threads. Thread: kernels run on the trainer thread, which may spread work over step->device's pool. */
#pragma once

#include "engine/graph/graph.h"

struct step;

/* What backward reads besides the gradients of the outputs; everything else may be overwritten before it runs. */
enum op_reads {
    OP_READS_IN0 = 1,
    OP_READS_IN1 = 2,
    OP_READS_IN2 = 4, /* … OP_READS_IN0 << i for input i */
    OP_READS_OUT = 64
};

/* One resolved call of a kernel; made by the plan, constant afterwards. Absent tensors have data == NULL. */
struct call {
    const struct node *node;
    struct tensor in[NODE_IN_MAX];
    struct tensor out[NODE_OUT_MAX];
    struct tensor saved[NODE_SAVED_MAX];
    struct tensor din[NODE_IN_MAX];   /* gradients to write (overwrite, not add); data NULL = not wanted */
    struct tensor dout[NODE_OUT_MAX]; /* gradients to read */
    void *workspace;                  /* the kernel's own bytes, see struct kernel; content undefined */
    struct tensor constant;           /* the op's constant data on the device (see struct op), or absent */
};

typedef void kernel_function(const struct call *call, const struct step *step);

enum kernel_work { WORK_FORWARD, WORK_GRADIENT_0, WORK_GRADIENT_1 };

/* The kernels of one op on one backend. */
struct kernel {
    kernel_function *forward;      /* training */
    kernel_function *backward;     /* NULL: the op has no gradient */
    kernel_function *backward_add; /* as backward, but adds to din[0]; NULL: the plan adds a temporary */
    kernel_function *evaluate;     /* NULL: forward serves */
    /* Makes out[0] of the last forward again, from in[] and saved[] and nothing else changed: for ops so cheap that
     * their output need not be stored until backward reads it. NULL: it is stored. */
    kernel_function *recompute;
    bool recompute_from_saved; /* it reads no activation among in[] */
    /* Bytes of workspace for the largest of the three; NULL: none. `threads` is the pool's size. */
    size_t (*workspace)(const struct node *node, int threads);
    /* Multiply-adds that it does where it knows a shorter way than the op's definition: of forward, or of the gradient
     * with respect to an operand, in[0] or in[1]. NULL: as many as op->macs, for each. */
    int64_t (*macs)(const struct node *node, enum kernel_work work);
};

/* y = f(x) and its slope at x: what an op needs to be done in one pass with the op before it (engine/graph/fuse.c). */
struct activation {
    double (*f)(double x);
    double (*slope)(double x);
};

struct op {
    const char *name;
    /* Checks inputs and options and makes out[] and saved[]; NODE has op, name, in[] and options set. */
    enum lt_err (*infer)(struct graph *graph, struct node *node);
    unsigned backward_reads; /* enum op_reads; saved values are always kept */
    bool in_place_forward;   /* out[0] may lie over in[0] */
    bool in_place_backward;  /* din[0] may lie over dout[0] */
    /* Multiply-adds of one forward for the whole batch; NULL = 0. */
    int64_t (*macs)(const struct node *node);
    /* Lends data that is the same for every run (a table); the plan keeps a copy on the device in call->constant. NULL
     * = none. */
    const void *(*constant)(const struct node *node, size_t *bytes);
    const struct activation *activation; /* elementwise ops of one input that may be fused; else NULL */
    /* Frees what lies behind options (not options itself); NULL when there is nothing. */
    void (*release)(void *options);
};

/* Every op, by row of ops.def. */
enum op_id {
#define OP(name) OP_##name,
#include "engine/ops/ops.def"
#undef OP
    OP_COUNT
};
#define OP(name) extern const struct op op_##name;
#include "engine/ops/ops.def"
#undef OP

/* The op's row number, by address; lends the op of a row. */
enum op_id op_id(const struct op *op);
const struct op *op_at(enum op_id id);

/* For builders and shape rules: fails unless x holds real numbers and has `rank` dimensions (0: any). */
enum lt_err op_check_input(struct graph *graph, const struct op *op, const char *layer, const struct value *x,
                           int rank);
