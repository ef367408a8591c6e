#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

/* A NaN passes, forward and backward, as in torch. */
static double f(double x)
{
    return x < 0 ? 0 : x > 6 ? 6 : x;
}
static double slope(double y)
{
    return !(y <= 0 || y >= 6);
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->out[0], slope);
}

const struct kernel relu6_reference = {.forward = forward, .backward = backward};

static const struct activation activation = {f, slope};

const struct op op_relu6 = {
    .name = "relu6",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_OUT,
    .in_place_forward = true,
    .in_place_backward = true,
    .activation = &activation,
};

struct value *relu6(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_relu6, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
