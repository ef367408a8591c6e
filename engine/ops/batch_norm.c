/* torch.nn.BatchNorm2d (Ioffe and Szegedy, 2015) over NHWC: biased variance normalises, unbiased variance is
 * remembered. */
#include "engine/ops/batch_norm.h"

#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

#include <math.h>

bool batch_norm_is_frozen(const struct node *node)
{
    return node->in[1]->frozen && node->in[2]->frozen;
}

static const struct activation *activation_of(const struct call *call)
{
    const struct batch_norm_numbers *o = call->node->options;
    return o->activation ? o->activation->activation : NULL;
}

static void normalize_channel(const struct call *call, int64_t count, int64_t k, double mean, double scale)
{
    const struct activation *activation = activation_of(call);
    const int64_t c = call->in[1].shape.size[0];
    const double weight = real_get(call->in[1], k), bias = real_get(call->in[2], k);
    for (int64_t i = k; i < count * c; i += c) {
        const double y = (real_get(call->in[0], i) - mean) * scale * weight + bias;
        real_set(call->out[0], i, activation ? activation->f(y) : y);
    }
}

/* Mean and biased variance of a channel, in two passes. */
static void moments(const struct call *call, int64_t count, int64_t k, double *mean, double *variance)
{
    const int64_t c = call->in[1].shape.size[0];
    double sum = 0, squares = 0;
    for (int64_t i = k; i < count * c; i += c) sum += real_get(call->in[0], i);
    *mean = sum / (double)count;
    for (int64_t i = k; i < count * c; i += c) {
        const double d = real_get(call->in[0], i) - *mean;
        squares += d * d;
    }
    *variance = squares / (double)count;
}

static void remember(const struct call *call, int64_t count, int64_t k, double mean, double variance)
{
    const struct batch_norm_numbers *o = call->node->options;
    const double unbiased = count > 1 ? variance * (double)count / (double)(count - 1) : variance;
    real_set(call->in[3], k, (1 - o->momentum) * real_get(call->in[3], k) + o->momentum * mean);
    real_set(call->in[4], k, (1 - o->momentum) * real_get(call->in[4], k) + o->momentum * unbiased);
}

static void run(const struct call *call, const struct step *step, bool on_batch)
{
    const struct batch_norm_numbers *o = call->node->options;
    const int64_t c = call->in[1].shape.size[0], count = step->n * row_count(call->in[0]) / c;
    for (int64_t k = 0; k < c; k++) {
        double mean = real_get(call->in[3], k), variance = real_get(call->in[4], k);
        if (on_batch) {
            moments(call, count, k, &mean, &variance);
            remember(call, count, k, mean, variance);
        }
        const double scale = 1 / sqrt(variance + o->eps);
        real_set(call->saved[0], k, mean);
        real_set(call->saved[1], k, scale);
        real_set(call->saved[2], k, real_get(call->in[2], k));
        normalize_channel(call, count, k, mean, scale);
    }
    if (on_batch) ++*(int64_t *)call->in[5].data;
}

static void forward(const struct call *call, const struct step *step)
{
    run(call, step, !batch_norm_is_frozen(call->node));
}

static void evaluate(const struct call *call, const struct step *step)
{
    run(call, step, false);
}

/* The gradient in front of the activation. */
static double gradient(const struct call *call, int64_t i, int64_t k)
{
    const struct activation *activation = activation_of(call);
    const double dy = real_get(call->dout[0], i);
    if (!activation) return dy;
    const double y = (real_get(call->in[0], i) - real_get(call->saved[0], k)) * real_get(call->saved[1], k) *
                         real_get(call->in[1], k) +
                     real_get(call->saved[2], k);
    return dy * activation->slope(y);
}

/* dx = weight scale (dy - mean(dy) - xhat mean(dy xhat)); on running statistics the means do not depend on x. */
static void backward_channel(const struct call *call, int64_t count, int64_t k, bool on_batch)
{
    const int64_t c = call->in[1].shape.size[0];
    const double mean = real_get(call->saved[0], k), scale = real_get(call->saved[1], k),
                 weight = real_get(call->in[1], k);
    double sum = 0, product = 0;
    for (int64_t i = k; i < count * c; i += c) {
        const double dy = gradient(call, i, k);
        sum += dy;
        product += dy * (real_get(call->in[0], i) - mean) * scale;
    }
    if (call->din[1].data) real_set(call->din[1], k, product);
    if (call->din[2].data) real_set(call->din[2], k, sum);
    const double mean_dy = on_batch ? sum / (double)count : 0, mean_product = on_batch ? product / (double)count : 0;
    for (int64_t i = k; call->din[0].data && i < count * c; i += c) {
        const double xhat = (real_get(call->in[0], i) - mean) * scale;
        real_set(call->din[0], i, weight * scale * (gradient(call, i, k) - mean_dy - xhat * mean_product));
    }
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t c = call->in[1].shape.size[0], count = step->n * row_count(call->in[0]) / c;
    for (int64_t k = 0; k < c; k++) backward_channel(call, count, k, !batch_norm_is_frozen(call->node));
}

const struct kernel batch_norm_reference = {.forward = forward, .backward = backward, .evaluate = evaluate};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    graph_output(graph, node, DTYPE_REAL, node->in[0]->shape);
    for (int i = 0; i < 3; i++) graph_saved(graph, node, DTYPE_STATISTIC, node->in[1]->shape);
    return LT_OK;
}

const struct op op_batch_norm = {
    .name = "batch_norm",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *batch_norm(struct graph *g, struct value *x, const char *layer, struct batch_norm_options options)
{
    if (x == NULL || op_check_input(g, &op_batch_norm, layer, x, 4) != LT_OK) return NULL;
    const struct init zeros = {INIT_ZEROS, 0}, ones = {INIT_ONES, 0};
    const struct batch_norm_numbers numbers = {options.eps > 0 ? options.eps : 1e-5,
                                               options.momentum > 0 ? options.momentum : 0.1, NULL};
    const struct shape c = SHAPE(x->shape.size[x->shape.rank - 1]);
    struct value *in[6] = {x};
    in[1] = graph_parameter(g, layer, "weight", c, options.zero_init ? zeros : ones);
    in[2] = graph_parameter(g, layer, "bias", c, zeros);
    in[3] = graph_buffer(g, layer, "running_mean", DTYPE_REAL, c, zeros);
    in[4] = graph_buffer(g, layer, "running_var", DTYPE_REAL, c, ones);
    in[5] = graph_buffer(g, layer, "num_batches_tracked", DTYPE_I64, shape_of(0, NULL), zeros);
    struct node *node = graph_node(g, &op_batch_norm, layer, &numbers, sizeof numbers, in, 6);
    return node ? node->out[0] : NULL;
}
