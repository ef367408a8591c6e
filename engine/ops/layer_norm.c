/* torch.nn.LayerNorm over the last dimension (Ba et al., 2016); over NHWC that is torchvision's LayerNorm2d too. saved:
 * 0 mean, 1 1/sqrt(var + eps) of each row. */
#include "engine/ops/layer_norm.h"

#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

#include <math.h>

static void forward(const struct call *call, const struct step *step)
{
    const struct layer_norm_numbers *o = call->node->options;
    const int64_t c = call->in[1].shape.size[0], rows = step->n * row_count(call->in[0]) / c;
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0, squares = 0;
        for (int64_t k = 0; k < c; k++) sum += real_get(call->in[0], r * c + k);
        const double mean = sum / (double)c;
        for (int64_t k = 0; k < c; k++) {
            const double d = real_get(call->in[0], r * c + k) - mean;
            squares += d * d;
        }
        const double scale = 1 / sqrt(squares / (double)c + o->eps);
        real_set(call->saved[0], r, mean);
        real_set(call->saved[1], r, scale);
        for (int64_t k = 0; k < c; k++)
            real_set(call->out[0], r * c + k,
                     (real_get(call->in[0], r * c + k) - mean) * scale * real_get(call->in[1], k) +
                         real_get(call->in[2], k));
    }
}

static double normalized(const struct call *call, int64_t r, int64_t c, int64_t k)
{
    return (real_get(call->in[0], r * c + k) - real_get(call->saved[0], r)) * real_get(call->saved[1], r);
}

/* dx = scale (g - mean(g) - xhat mean(g xhat)), g = dy weight, means over the row. */
static void backward_row(const struct call *call, int64_t r, int64_t c)
{
    double sum = 0, product = 0;
    for (int64_t k = 0; k < c; k++) {
        const double g = real_get(call->dout[0], r * c + k) * real_get(call->in[1], k);
        sum += g;
        product += g * normalized(call, r, c, k);
    }
    for (int64_t k = 0; k < c; k++) {
        const double g = real_get(call->dout[0], r * c + k) * real_get(call->in[1], k), x = normalized(call, r, c, k);
        real_set(call->din[0], r * c + k, real_get(call->saved[1], r) * (g - (sum + x * product) / (double)c));
    }
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t c = call->in[1].shape.size[0], rows = step->n * row_count(call->in[0]) / c;
    for (int64_t k = 0; k < c; k++) {
        double weight = 0, bias = 0;
        for (int64_t r = 0; r < rows; r++) {
            const double dy = real_get(call->dout[0], r * c + k);
            weight += dy * normalized(call, r, c, k);
            bias += dy;
        }
        if (call->din[1].data) real_set(call->din[1], k, weight);
        if (call->din[2].data) real_set(call->din[2], k, bias);
    }
    for (int64_t r = 0; call->din[0].data && r < rows; r++) backward_row(call, r, c);
}

const struct kernel layer_norm_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    struct shape rows = node->in[0]->shape;
    rows.rank--;
    graph_output(graph, node, DTYPE_REAL, node->in[0]->shape);
    graph_saved(graph, node, DTYPE_STATISTIC, rows);
    graph_saved(graph, node, DTYPE_STATISTIC, rows);
    return LT_OK;
}

const struct op op_layer_norm = {
    .name = "layer_norm",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .in_place_forward = true,
};

struct value *layer_norm(struct graph *g, struct value *x, const char *layer, double eps)
{
    if (x == NULL || op_check_input(g, &op_layer_norm, layer, x, 0) != LT_OK) return NULL;
    const struct layer_norm_numbers numbers = {eps};
    const struct shape c = SHAPE(x->shape.size[x->shape.rank - 1]);
    struct value *in[3] = {x};
    in[1] = graph_parameter(g, layer, "weight", c, (struct init){INIT_ONES, 0});
    in[2] = graph_parameter(g, layer, "bias", c, (struct init){INIT_ZEROS, 0});
    struct node *node = graph_node(g, &op_layer_norm, layer, &numbers, sizeof numbers, in, 3);
    return node ? node->out[0] : NULL;
}
