#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

#include <math.h>

static double f(double x)
{
    return 1 / (1 + exp(-x));
}
static double slope(double y)
{
    return y * (1 - y);
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->out[0], slope);
}

const struct kernel sigmoid_reference = {.forward = forward, .backward = backward};

const struct op op_sigmoid = {
    .name = "sigmoid",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_OUT,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *sigmoid(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_sigmoid, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
