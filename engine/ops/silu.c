#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

#include <math.h>

static double f(double x)
{
    return x / (1 + exp(-x));
}

static double slope(double x)
{
    double s = 1 / (1 + exp(-x));
    return s * (1 + x * (1 - s));
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->in[0], slope);
}

const struct kernel silu_reference = {.forward = forward, .backward = backward};

static const struct activation activation = {f, slope};

const struct op op_silu = {
    .name = "silu",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_IN0,
    .in_place_forward = true,
    .in_place_backward = true,
    .activation = &activation,
};

struct value *silu(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_silu, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
