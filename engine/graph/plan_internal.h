/* The inside of a plan, shared by plan*.c. How a plan comes to be, in order:
 *   plan_parameters.c    parameters get their places in flat memory
 *   plan_instructions.c  forward instructions, and the first and last use of every activation
 *   plan_backward.c      backward instructions and gradients, found by walking the nodes in reverse
 *   plan_recompute.c     which outputs are made again in backward instead of being stored until then
 *   plan_memory.c        lifetimes get offsets in one arena; memory is taken; calls get their pointers
 *   plan_run.c           the loops that run the lists
 * Thread: the device's. */
#pragma once

#include "engine/graph/plan.h"

/* A piece of the arena and when it is alive: numbers of instructions (forward, then backward), inclusive. */
struct lifetime {
    size_t bytes, offset;
    int first, last;
    int same_as; /* the earlier lifetime whose memory this one takes over in place, or -1 */
};

struct instructions {
    struct instruction *item;
    int count;
    size_t capacity;
};

/* What the plan knows about a value of the graph. */
struct place {
    struct tensor tensor, gradient;  /* data is set once memory is there */
    int lifetime, gradient_lifetime; /* in the arena, or -1 */
    bool recomputed;                 /* what backward reads is made again: */
    struct tensor again;
    int again_lifetime; /* -1 until a backward instruction has asked for it */
    bool wanted;        /* its gradient is wanted: trained parameters, and activations that depend on one */
    int gradients;      /* contributions to its gradient so far */
};

/* gradient += temporary: a value that several nodes read gets its gradient in pieces. The first piece is written to the
 * gradient itself, each later one to a temporary. `call` comes first: it is what the instruction points to. */
struct accumulation {
    struct call call;     /* in[0] the temporary, out[0] the gradient */
    struct call *writer;  /* whose din[input] is the temporary */
    int input, temporary; /* the temporary's lifetime */
    bool whole;           /* a parameter's gradient: all elements, not only those of the batch's samples */
    const struct flat_functions *flat;
};

struct reserved {
    void *at;
    size_t bytes;
};

struct plan {
    struct graph *graph;
    struct plan_outputs outputs;
    struct plan_options options;
    struct place *place; /* by value id */

    struct instructions list[PLAN_LISTS];
    struct call **call; /* owned; those of accumulations too */
    size_t calls, call_capacity;
    struct accumulation **accumulation; /* lent by call */
    size_t accumulations, accumulation_capacity;
    const struct kernel **kernel; /* by node id */
    int now;                      /* while building: number of the next instruction */

    struct lifetime *lifetime;
    size_t lifetimes, lifetime_capacity;
    size_t arena_bytes, workspace_bytes, input_bytes;

    /* parameters and buffers in definition order, and their places: elements of flat memory, or bytes of `buffers` */
    struct value **parameter;
    int tensors;
    int64_t *offset;
    int64_t flat_count; /* elements */
    size_t buffer_bytes;
    struct segment *segment; /* trained parameters */
    int64_t segments;
    int *norm_index;

    /* device memory */
    struct reserved *reserved; /* of a dry plan: addresses without memory behind them */
    size_t reserves, reserve_capacity;
    char *arena, *inputs, *workspace, *buffers;
    char *parameters, *before, *gradients, *accumulated, *state[OPTIMIZER_STATES_MAX];
    void **constant; /* by node id */
    double *loss_weight, *square_sums, *clip_factor;
    double *zeros, *nonfinite, *change, *size; /* of what is watched, [segments] */
    bool watching, watched;                    /* the next update will be; the last one was */
    struct group_scalars *group;
    int64_t *update, *sample;

    /* what plan_update copies to the device from; must stay until the copy is done */
    struct {
        struct group_scalars group[OPTIMIZER_GROUPS_MAX];
        int64_t update;
        double loss_weight;
    } host;
    const struct flat_functions *flat;
};

/* The type and size of a value in this plan. */
enum dtype plan_dtype(const struct plan *self, const struct value *value);
size_t plan_bytes(const struct plan *self, const struct value *value);

/* plan_parameters.c: flat layout and segments. */
void plan_lay_out_parameters(struct plan *self);

/* plan_instructions.c: finds the kernels, and makes the forward and evaluation lists. */
enum lt_err plan_make_forward(struct plan *self) LT_MUST_CHECK;

/* A new lifetime that begins with the next instruction; and: the next instruction still needs that one (-1: nothing).
 */
int plan_add_lifetime(struct plan *self, size_t bytes);
void plan_touch(struct plan *self, int lifetime);

/* Takes a call (from memory_new) into the plan; appends an instruction that runs it. */
void plan_own_call(struct plan *self, struct call *call);
void plan_append(struct plan *self, enum plan_list list, kernel_function *run, struct call *call);

/* plan_backward.c: will this node have a backward instruction, as far as its inputs tell? Marks what is wanted; makes
 * the backward list; points the accumulations at their memory. */
bool plan_has_backward(const struct plan *self, const struct node *node);
enum lt_err plan_mark_wanted(struct plan *self) LT_MUST_CHECK;
void plan_make_backward(struct plan *self);
void plan_bind_backward(struct plan *self);

/* plan_recompute.c: marks the values; before a backward instruction that reads a value, sees to it that it is there,
 * and keeps it until after that instruction; points the backward calls at what was made again. */
void plan_mark_recomputed(struct plan *self);
void plan_make_again(struct plan *self, const struct value *value);
void plan_touch_in_backward(struct plan *self, const struct value *value);
void plan_bind_again(struct plan *self, struct call *call);

/* plan_instructions.c: is the value one that the user reads after a run? */
bool plan_is_output(const struct plan *self, const struct value *value);

/* plan_memory.c: gives every lifetime an offset, so that those that overlap in time do not overlap in memory, and
 * returns the arena's size. A pure function of the lifetimes. */
size_t plan_place(struct lifetime *lifetime, size_t count);

/* Takes all memory, and points every value at its own. */
enum lt_err plan_allocate(struct plan *self) LT_MUST_CHECK;
void plan_release_memory(struct plan *self);

/* plan_instructions.c: points the calls at the memory of their values and counts work and traffic. */
void plan_bind(struct plan *self);
