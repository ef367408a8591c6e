/* A plan: a graph compiled once for one device into flat arrays of instructions (forward, backward, evaluation,
 * update), with every kernel, pointer, workspace and shape resolved. Running one is a loop over instructions: no
 * allocation, no lookup, no host read of a device value. All activations, gradients of activations and workspaces lie
 * in one arena, placed by lifetime; parameters, gradients and optimizer states lie flat (flat.h). Every training
 * feature is a pass over the plan, chosen by plan_options. Thread: the device's. The plan owns its graph and memory. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/optim/optimizer.h"

enum clip_algorithm { CLIP_NONE, CLIP_NORM, CLIP_VALUE };

struct plan_options {
    const struct backend *backend;
    struct device *device; /* borrowed for the plan's life */
    enum dtype real;       /* DTYPE_F32, or DTYPE_F64 where the backend has it */
    bool bf16;             /* activations and their gradients are bfloat16, where the backend has it; real is F32 */
    bool training;         /* false: only the evaluation instructions exist, no gradients, no states */
    uint64_t seed;
    int optimizer; /* row of optimizers.def */
    const void *optimizer_options;
    char **no_decay; /* fnmatch patterns of parameter names with weight decay 0 (group 1) */
    size_t no_decay_count;
    enum clip_algorithm clip;
    double clip_value;
    bool accumulate; /* several micro-batches per update: keep a second gradient array */
    bool watch;      /* plan_watch may be called: keep room for the parameters as they were */
    bool dry;        /* only to be looked at: no memory is taken, nothing may be run */
};

/* One instruction: a kernel and its resolved call; what profiles and `lathe plan` read. The layer is call->node->name.
 */
struct instruction {
    kernel_function *run;
    struct call *call;
    int64_t macs;  /* multiply-adds of the full batch, as its kernel does them */
    int64_t bytes; /* read + written, of the full batch, each tensor once */
    int span;      /* under which its time is recorded; 0 = it is not, see plan_record_spans */
};

struct plan;

/* Compiles. `output` values are kept readable after a run (logits, losses, predictions). `loss` is where backward
 * starts (its node must be a loss op), NULL for plans without training. Takes the graph. */
struct plan_outputs {
    struct value *loss;
    struct value *output[4];
    int count;
};
enum lt_err plan_build(struct plan **self, struct graph *graph, struct plan_outputs outputs,
                       const struct plan_options *options) LT_MUST_CHECK;
void plan_free(struct plan *self);

/* Initial values of parameters and buffers: pure functions of (seed, name). */
void plan_initialise(struct plan *self, uint64_t seed);

/* Copies a batch's data to an input by name ("image", "target"): `bytes` from the host. */
void plan_set_input(struct plan *self, const char *name, const void *host, size_t bytes);

/* What one run is about. */
struct plan_step {
    int64_t n; /* samples in this batch */
    uint32_t epoch;
    const int64_t *sample; /* host [n] */
    double loss_weight;    /* 1 / samples of the whole accumulation window */
    bool first, last;      /* of the accumulation window */
};

/* forward + backward of one micro-batch (+ accumulation). Spans: SPAN_FORWARD, SPAN_BACKWARD. */
void plan_forward(struct plan *self, const struct plan_step *step);
void plan_backward(struct plan *self, const struct plan_step *step);

/* Norms, clipping and the optimizer, after the last micro-batch. Groups: 0 decays, 1 (no_decay) does not. update counts
 * from 1. */
void plan_update(struct plan *self, const double lr[OPTIMIZER_GROUPS_MAX], int64_t update);

/* The next plan_update looks closer at what it does: plan_read_watched can tell. Of a plan that watches; such a plan
 * counts in every update whose gradients are not all finite, too. */
void plan_watch(struct plan *self);

/* Evaluation of one batch: running statistics, no dropout. Span: SPAN_EVALUATE. */
void plan_evaluate(struct plan *self, const struct plan_step *step);

/* Copies the first n samples of an output to the host (asynchronous; ready after plan_synchronize). */
void plan_read(struct plan *self, const struct value *output, void *host, int64_t n);

/* Clips otherwise from the next update on. */
void plan_set_clip(struct plan *self, enum clip_algorithm clip, double value);

/* Gradient statistics of the last plan_update, before clipping: norm[parameters] and global norm in norm[parameters].
 */
void plan_read_norms(struct plan *self, double *norm);

/* What was watched, each [parameters]; ratio is NaN after an update that was not watched, only not finite. */
struct plan_watched {
    double *ratio;     /* the update's norm over that of the parameter before; NaN where that was 0 */
    double *zeros;     /* share of the gradient's elements, before clipping */
    double *nonfinite; /* how many of them */
};
void plan_read_watched(struct plan *self, const struct plan_watched *out);
void plan_synchronize(struct plan *self);

/* Parameters and buffers by index, in definition order. */
struct plan_tensor {
    const struct value *value;
    struct tensor tensor;                      /* device memory, internal layout */
    struct tensor gradient;                    /* parameters of training plans; data NULL when frozen */
    struct tensor state[OPTIMIZER_STATES_MAX]; /* the same */
};
int plan_tensor_count(const struct plan *self);
struct plan_tensor plan_tensor(const struct plan *self, int index);
/* Index among parameters that have gradients (norm[] order), -1 for others. */
int plan_norm_index(const struct plan *self, int index);

/* Lends the optimizer, for the names of its states; NULL for plans without training. */
const struct optimizer *plan_optimizer(const struct plan *self);

/* Host copies in torch's layout (convolutions OIHW): get from the device, or set it. */
void plan_get(const struct plan *self, struct tensor device_tensor, const struct value *value, void *host);
void plan_set(struct plan *self, struct tensor device_tensor, const struct value *value, const void *host);

struct plan_summary {
    int64_t parameters, trainable, macs_forward; /* macs of one sample */
    size_t arena_bytes, parameter_bytes, gradient_bytes, state_bytes,
        other_bytes; /* other: inputs, workspace, buffers */
    int instructions;
};
struct plan_summary plan_summarise(const struct plan *self);

/* Bytes of the arena that hold something while each instruction of a step runs: live[instructions of PLAN_FORWARD, then
 * of PLAN_BACKWARD]. */
void plan_live_bytes(const struct plan *self, int64_t *live);

/* From now on every instruction's time is recorded as a span of its own kind (struct span_kernel). */
void plan_record_spans(struct plan *self);

/* The instruction lists, for profiles and tests. */
enum plan_list { PLAN_FORWARD, PLAN_BACKWARD, PLAN_EVALUATE, PLAN_LISTS };
const struct instruction *plan_instructions(const struct plan *self, enum plan_list list, int *count);
const struct graph *plan_graph(const struct plan *self);
