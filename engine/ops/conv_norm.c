/* See conv_norm.h. On the reference backend it runs the kernels of the two ops, one after the other. */
#include "engine/ops/conv_norm.h"

#include "data/base/memory.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/reference.h"

/* ---- two nodes as one ---- */

bool conv_norm_fits(const struct node *convolution, const struct node *norm)
{
    if (convolution->op != &op_conv2d || norm->op != &op_batch_norm || batch_norm_is_frozen(norm)) return false;
    const struct conv2d_sizes s = conv2d_sizes(convolution);
    return convolution->in_count == 2 && s.groups == 1 && s.kh == 1 && s.kw == 1 && s.sh == 1 && s.sw == 1 &&
           s.oh == s.h && s.ow == s.w;
}

struct node *conv_norm_new(struct node *convolution, struct node *norm)
{
    struct node *self = memory_new(1, sizeof *self);
    struct conv_norm_nodes *nodes = memory_new(1, sizeof *nodes);
    *nodes = (struct conv_norm_nodes){convolution, norm};
    *self = (struct node){.op = &op_conv_norm,
                          .name = memory_text(norm->name),
                          .in_count = CONV_NORM_IN,
                          .out_count = 1,
                          .saved_count = CONV_NORM_Z + 1,
                          .in = {convolution->in[0], convolution->in[1]},
                          .out = {norm->out[0]},
                          .saved = {norm->saved[0], norm->saved[1], norm->saved[2], convolution->out[0]},
                          .options = nodes};
    for (int i = 1; i < norm->in_count; i++) self->in[1 + i] = norm->in[i];
    for (int i = 0; i < self->saved_count; i++) self->saved[i]->producer = self;
    self->out[0]->producer = self;
    return self;
}

static void release(void *options)
{
    const struct conv_norm_nodes *nodes = options;
    graph_free_node(nodes->convolution);
    graph_free_node(nodes->norm);
}

static struct tensor tensor_at(struct tensor like, void *data)
{
    like.data = data;
    return like;
}

struct call conv_norm_convolution(const struct call *call, void *dz)
{
    const struct conv_norm_nodes *nodes = call->node->options;
    return (struct call){.node = nodes->convolution,
                         .in = {call->in[0], call->in[1]},
                         .out = {call->saved[CONV_NORM_Z]},
                         .din = {call->din[0], call->din[1]},
                         .dout = {tensor_at(call->saved[CONV_NORM_Z], dz)}};
}

struct call conv_norm_norm(const struct call *call, void *dz)
{
    const struct conv_norm_nodes *nodes = call->node->options;
    struct call norm = {.node = nodes->norm,
                        .in = {call->saved[CONV_NORM_Z]},
                        .out = {call->out[0]},
                        .saved = {call->saved[0], call->saved[1], call->saved[2]},
                        .din = {tensor_at(call->saved[CONV_NORM_Z], dz)},
                        .dout = {call->dout[0]}};
    for (int i = 1; i < nodes->norm->in_count; i++) {
        norm.in[i] = call->in[1 + i];
        norm.din[i] = call->din[1 + i];
    }
    return norm;
}

/* ---- reference ---- */

extern const struct kernel conv2d_reference, batch_norm_reference;

static size_t workspace(const struct node *node, int threads)
{
    (void)threads;
    return (size_t)shape_count(node->out[0]->shape) * sizeof(double); /* dz */
}

static void forward(const struct call *call, const struct step *step)
{
    const struct call convolution = conv_norm_convolution(call, NULL), norm = conv_norm_norm(call, NULL);
    conv2d_reference.forward(&convolution, step);
    batch_norm_reference.forward(&norm, step);
}

static void evaluate(const struct call *call, const struct step *step)
{
    const struct call convolution = conv_norm_convolution(call, NULL), norm = conv_norm_norm(call, NULL);
    conv2d_reference.forward(&convolution, step);
    batch_norm_reference.evaluate(&norm, step);
}

static void backward(const struct call *call, const struct step *step)
{
    const struct call convolution = conv_norm_convolution(call, call->workspace),
                      norm = conv_norm_norm(call, call->workspace);
    batch_norm_reference.backward(&norm, step);
    conv2d_reference.backward(&convolution, step);
}

const struct kernel conv_norm_reference = {
    .forward = forward, .backward = backward, .evaluate = evaluate, .workspace = workspace};

static int64_t macs(const struct node *node)
{
    const struct conv_norm_nodes *nodes = node->options;
    return op_conv2d.macs(nodes->convolution);
}

const struct op op_conv_norm = {
    .name = "conv_norm",
    .backward_reads = OP_READS_IN0 | OP_READS_IN1 | OP_READS_IN2,
    .macs = macs,
    .release = release,
};
