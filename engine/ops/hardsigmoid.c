#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

/* torch.nn.functional.hardsigmoid: relu6(x + 3) / 6. Its slope in torch is the float nearest to 1/6, in doubles too. */
static double f(double x)
{
    return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6;
}
static double slope(double x)
{
    return x > -3 && x < 3 ? (double)(1.0f / 6) : x != x ? x : 0;
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->in[0], slope);
}

const struct kernel hardsigmoid_reference = {.forward = forward, .backward = backward};

static const struct activation activation = {f, slope};

const struct op op_hardsigmoid = {
    .name = "hardsigmoid",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_IN0,
    .in_place_forward = true,
    .in_place_backward = true,
    .activation = &activation,
};

struct value *hardsigmoid(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_hardsigmoid, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
