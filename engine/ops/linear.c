/* torch.nn.functional.linear: y = x weight^T + bias for every row of the last dimension. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

/* Rows of the batch. */
static int64_t rows_of(const struct call *call, const struct step *step)
{
    return step->n * row_count(call->in[0]) / call->in[1].shape.size[1];
}

static void forward(const struct call *call, const struct step *step)
{
    const int64_t o = call->in[1].shape.size[0], c = call->in[1].shape.size[1], rows = rows_of(call, step);
    for (int64_t n = 0; n < rows; n++)
        for (int64_t k = 0; k < o; k++) {
            double sum = call->in[2].data ? real_get(call->in[2], k) : 0;
            for (int64_t i = 0; i < c; i++) sum += real_get(call->in[0], n * c + i) * real_get(call->in[1], k * c + i);
            real_set(call->out[0], n * o + k, sum);
        }
}

static void backward_input(const struct call *call, int64_t n, int64_t o, int64_t c)
{
    for (int64_t s = 0; s < n; s++)
        for (int64_t i = 0; i < c; i++) {
            double sum = 0;
            for (int64_t k = 0; k < o; k++)
                sum += real_get(call->dout[0], s * o + k) * real_get(call->in[1], k * c + i);
            real_set(call->din[0], s * c + i, sum);
        }
}

static void backward_weight(const struct call *call, int64_t n, int64_t o, int64_t c)
{
    for (int64_t k = 0; k < o; k++)
        for (int64_t i = 0; i < c; i++) {
            double sum = 0;
            for (int64_t s = 0; s < n; s++)
                sum += real_get(call->dout[0], s * o + k) * real_get(call->in[0], s * c + i);
            real_set(call->din[1], k * c + i, sum);
        }
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t o = call->in[1].shape.size[0], c = call->in[1].shape.size[1], rows = rows_of(call, step);
    if (call->din[0].data) backward_input(call, rows, o, c);
    if (call->din[1].data) backward_weight(call, rows, o, c);
    for (int64_t k = 0; call->din[2].data && k < o; k++) {
        double sum = 0;
        for (int64_t s = 0; s < rows; s++) sum += real_get(call->dout[0], s * o + k);
        real_set(call->din[2], k, sum);
    }
}

const struct kernel linear_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    struct shape y = node->in[0]->shape;
    y.size[y.rank - 1] = node->in[1]->shape.size[0];
    graph_output(graph, node, DTYPE_REAL, y);
    return LT_OK;
}

static int64_t macs(const struct node *node)
{
    return shape_count(node->out[0]->shape) * node->in[1]->shape.size[1];
}

const struct op op_linear = {
    .name = "linear",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .macs = macs,
};

struct value *linear(struct graph *g, struct value *x, const char *layer, struct linear_options options)
{
    if (x == NULL || op_check_input(g, &op_linear, layer, x, 0) != LT_OK) return NULL;
    if (options.out_features < 1) {
        (void)graph_fail(g, layer, LT_ESHAPE, "a linear layer needs at least one output, not %lld",
                         (long long)options.out_features);
        return NULL;
    }
    struct value *in[3] = {x};
    in[1] = graph_parameter(g, layer, options.weight_name ? options.weight_name : "weight",
                            SHAPE(options.out_features, x->shape.size[x->shape.rank - 1]), options.init);
    if (options.bias)
        in[2] = graph_parameter(g, layer, options.bias_name ? options.bias_name : "bias", SHAPE(options.out_features),
                                options.bias_init);
    struct node *node = graph_node(g, &op_linear, layer, NULL, 0, in, options.bias ? 3 : 2);
    return node ? node->out[0] : NULL;
}
