/* [n,s,d] -> [n,d]: the first token of each sample, which stands for its class. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

static void forward(const struct call *call, const struct step *step)
{
    const int64_t row = row_count(call->in[0]), d = call->in[0].shape.size[2];
    for (int64_t i = 0; i < step->n * d; i++) real_set(call->out[0], i, real_get(call->in[0], i / d * row + i % d));
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t row = row_count(call->din[0]), d = call->din[0].shape.size[2];
    for (int64_t i = 0; i < step->n * row; i++)
        real_set(call->din[0], i, i % row < d ? real_get(call->dout[0], i / row * d + i % row) : 0);
}

const struct kernel first_token_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const int64_t *x = node->in[0]->shape.size;
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 3));
    graph_output(graph, node, DTYPE_REAL, SHAPE(x[0], x[2]));
    return LT_OK;
}

const struct op op_first_token = {.name = "first_token", .infer = infer};

struct value *first_token(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_first_token, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
