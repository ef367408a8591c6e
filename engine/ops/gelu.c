#include "engine/ops/elementwise.h"
#include "engine/ops/ops.h"

#include <math.h>

/* torch.nn.functional.gelu, the exact one (Hendrycks and Gimpel, 2016): x times the normal distribution's share below
 * x. */
static double f(double x)
{
    return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}
static double slope(double x)
{
    return 0.5 * (1 + erf(x * M_SQRT1_2)) + x * exp(-0.5 * x * x) * (0.5 * M_2_SQRTPI * M_SQRT1_2);
}

static void forward(const struct call *call, const struct step *step)
{
    elementwise_forward(call, step, f);
}
static void backward(const struct call *call, const struct step *step)
{
    elementwise_backward(call, step, call->in[0], slope);
}

const struct kernel gelu_reference = {.forward = forward, .backward = backward};

static const struct activation activation = {f, slope};

const struct op op_gelu = {
    .name = "gelu",
    .infer = elementwise_infer,
    .backward_reads = OP_READS_IN0,
    .in_place_forward = true,
    .in_place_backward = true,
    .activation = &activation,
};

struct value *gelu(struct graph *g, struct value *x, const char *layer)
{
    struct node *node = graph_node(g, &op_gelu, layer, NULL, 0, &x, 1);
    return node ? node->out[0] : NULL;
}
