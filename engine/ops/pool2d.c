#include "engine/ops/pool2d.h"

struct pool_sizes pool_sizes(const struct node *node)
{
    const int64_t *x = node->in[0]->shape.size, *y = node->out[0]->shape.size;
    return (struct pool_sizes){x[1], x[2], x[3], y[1], y[2], *(const struct pool_options *)node->options};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct pool_window pool_window(const struct pool_sizes *s, int64_t oh, int64_t ow)
{
    const struct pool_options *o = &s->options;
    const int64_t h0 = oh * o->stride[0] - o->pad[0], w0 = ow * o->stride[1] - o->pad[1];
    const int64_t h1 = least(h0 + o->kernel[0], s->h + o->pad[0]), w1 = least(w0 + o->kernel[1], s->w + o->pad[1]);
    return (struct pool_window){h0 < 0 ? 0 : h0, least(h1, s->h), w0 < 0 ? 0 : w0, least(w1, s->w),
                                (h1 - h0) * (w1 - w0)};
}

/* torch: with ceil_mode the last window must still start inside the picture or its left padding. */
static int64_t output_size(const struct pool_options *o, int axis, int64_t in)
{
    const int64_t room = in + 2 * o->pad[axis] - o->kernel[axis], stride = o->stride[axis];
    int64_t out = (room + (o->ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (o->ceil_mode && (out - 1) * stride >= in + o->pad[axis]) out--;
    return out;
}

enum lt_err pool_infer(struct graph *graph, struct node *node)
{
    const struct pool_options *o = node->options;
    const struct shape x = node->in[0]->shape;
    char text[128];
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 4));
    for (int axis = 0; axis < 2; axis++)
        if (o->kernel[axis] < 1 || o->stride[axis] < 1 || o->pad[axis] < 0 ||
            x.size[1 + axis] + 2 * o->pad[axis] < o->kernel[axis] || 2 * o->pad[axis] > o->kernel[axis])
            return graph_fail(graph, node->name, LT_ESHAPE,
                              "a window of %lldx%lld with this stride and padding does not fit %s",
                              (long long)o->kernel[0], (long long)o->kernel[1], shape_text(text, x));
    graph_output(graph, node, DTYPE_REAL,
                 SHAPE(x.size[0], output_size(o, 0, x.size[1]), output_size(o, 1, x.size[2]), x.size[3]));
    return LT_OK;
}

struct value *pool_node(struct graph *g, const struct op *op, struct value *x, const char *layer,
                        struct pool_options options)
{
    for (int i = 0; i < 2; i++)
        if (options.stride[i] == 0) options.stride[i] = options.kernel[i];
    struct node *node = graph_node(g, op, layer, &options, sizeof options, &x, 1);
    return node ? node->out[0] : NULL;
}
