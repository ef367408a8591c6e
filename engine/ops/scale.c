/* y = x * weight, one factor for each channel (the "layer scale" of Touvron et al., 2021). */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

static void forward(const struct call *call, const struct step *step)
{
    const int64_t c = shape_count(call->in[1].shape), count = step->n * row_count(call->in[0]);
    for (int64_t i = 0; i < count; i++)
        real_set(call->out[0], i, real_get(call->in[0], i) * real_get(call->in[1], i % c));
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t c = shape_count(call->in[1].shape), count = step->n * row_count(call->in[0]);
    for (int64_t k = 0; call->din[1].data && k < c; k++) {
        double sum = 0;
        for (int64_t i = k; i < count; i += c) sum += real_get(call->dout[0], i) * real_get(call->in[0], i);
        real_set(call->din[1], k, sum);
    }
    for (int64_t i = 0; call->din[0].data && i < count; i++)
        real_set(call->din[0], i, real_get(call->dout[0], i) * real_get(call->in[1], i % c));
}

const struct kernel scale_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    graph_output(graph, node, DTYPE_REAL, node->in[0]->shape);
    return LT_OK;
}

const struct op op_scale = {
    .name = "scale",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *scale(struct graph *g, struct value *x, const char *layer, const char *name, double initial)
{
    if (x == NULL || op_check_input(g, &op_scale, layer, x, 4) != LT_OK) return NULL;
    struct value *in[2] = {
        x, graph_parameter(g, layer, name, SHAPE(x->shape.size[3], 1, 1), (struct init){INIT_CONSTANT, initial})};
    struct node *node = graph_node(g, &op_scale, layer, NULL, 0, in, 2);
    return node ? node->out[0] : NULL;
}
