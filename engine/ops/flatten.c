/* [n,h,w,c] -> [n,c*h*w] in torch's order, so that a linear layer behind it has torch's weights. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

/* Where element i of the output lies in the input. */
static int64_t input_index(const struct shape x, int64_t i)
{
    const int64_t pixels = x.size[1] * x.size[2], c = x.size[3], row = pixels * c, within = i % row;
    return i - within + within % pixels * c + within / pixels;
}

static void forward(const struct call *call, const struct step *step)
{
    for (int64_t i = 0; i < step->n * row_count(call->out[0]); i++)
        real_set(call->out[0], i, real_get(call->in[0], input_index(call->in[0].shape, i)));
}

static void backward(const struct call *call, const struct step *step)
{
    for (int64_t i = 0; i < step->n * row_count(call->dout[0]); i++)
        real_set(call->din[0], input_index(call->in[0].shape, i), real_get(call->dout[0], i));
}

const struct kernel flatten_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct shape x = node->in[0]->shape;
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 4));
    graph_output(graph, node, DTYPE_REAL, SHAPE(x.size[0], x.size[1] * x.size[2] * x.size[3]));
    return LT_OK;
}

const struct op op_flatten = {.name = "flatten", .infer = infer};

struct value *flatten(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_flatten, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
