/* Output bin i of `out` covers floor(i in / out) … ceil((i + 1) in / out) - 1, as torch's. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

static int64_t bin_begin(int64_t i, int64_t in, int64_t out)
{
    return i * in / out;
}
static int64_t bin_end(int64_t i, int64_t in, int64_t out)
{
    return ((i + 1) * in + out - 1) / out;
}

static double bin_mean(const struct call *call, int64_t y)
{
    const int64_t *x = call->in[0].shape.size, *o = call->out[0].shape.size;
    const int64_t c = y % o[3], ow = y / o[3] % o[2], oh = y / o[3] / o[2] % o[1], n = y / o[3] / o[2] / o[1];
    const int64_t h0 = bin_begin(oh, x[1], o[1]), h1 = bin_end(oh, x[1], o[1]);
    const int64_t w0 = bin_begin(ow, x[2], o[2]), w1 = bin_end(ow, x[2], o[2]);
    double sum = 0;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t w = w0; w < w1; w++) sum += real_get(call->in[0], ((n * x[1] + h) * x[2] + w) * x[3] + c);
    return sum / (double)((h1 - h0) * (w1 - w0));
}

static void forward(const struct call *call, const struct step *step)
{
    for (int64_t y = 0; y < step->n * row_count(call->out[0]); y++) real_set(call->out[0], y, bin_mean(call, y));
}

/* The gradient of one input: its share of every bin that covers it. */
static double input_gradient(const struct call *call, int64_t i)
{
    const int64_t *x = call->in[0].shape.size, *o = call->out[0].shape.size;
    const int64_t c = i % x[3], w = i / x[3] % x[2], h = i / x[3] / x[2] % x[1], n = i / x[3] / x[2] / x[1];
    double sum = 0;
    for (int64_t oh = 0; oh < o[1]; oh++)
        for (int64_t ow = 0; ow < o[2]; ow++) {
            const int64_t h0 = bin_begin(oh, x[1], o[1]), h1 = bin_end(oh, x[1], o[1]);
            const int64_t w0 = bin_begin(ow, x[2], o[2]), w1 = bin_end(ow, x[2], o[2]);
            if (h < h0 || h >= h1 || w < w0 || w >= w1) continue;
            sum += real_get(call->dout[0], ((n * o[1] + oh) * o[2] + ow) * o[3] + c) / (double)((h1 - h0) * (w1 - w0));
        }
    return sum;
}

static void backward(const struct call *call, const struct step *step)
{
    for (int64_t i = 0; i < step->n * row_count(call->din[0]); i++) real_set(call->din[0], i, input_gradient(call, i));
}

const struct kernel adaptive_avg_pool2d_reference = {.forward = forward, .backward = backward};

struct out_size {
    int64_t h, w;
};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct out_size *out = node->options;
    const struct shape x = node->in[0]->shape;
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 4));
    if (out->h < 1 || out->w < 1)
        return graph_fail(graph, node->name, LT_ESHAPE, "pooling to %lldx%lld leaves nothing", (long long)out->h,
                          (long long)out->w);
    graph_output(graph, node, DTYPE_REAL, SHAPE(x.size[0], out->h, out->w, x.size[3]));
    return LT_OK;
}

const struct op op_adaptive_avg_pool2d = {.name = "adaptive_avg_pool2d", .infer = infer};

struct value *adaptive_avg_pool2d(struct graph *g, struct value *x, const char *layer, int64_t out_h, int64_t out_w)
{
    const struct out_size out = {out_h, out_w};
    struct node *node = graph_node(g, &op_adaptive_avg_pool2d, layer, &out, sizeof out, &x, 1);
    return node ? node->out[0] : NULL;
}
