#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

/* torch.nn.functional.hardswish: x relu6(x + 3) / 6; torch's slope at 3 is that of the line. */
static double f(double x)
{
    return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
}
static double slope(double x)
{
    return x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1;
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->in[0], slope);
}

const struct kernel hardswish_reference = {.forward = forward, .backward = backward};

static const struct activation activation = {f, slope};

const struct op op_hardswish = {
    .name = "hardswish",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_IN0,
    .in_place_forward = true,
    .in_place_backward = true,
    .activation = &activation,
};

struct value *hardswish(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_hardswish, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
